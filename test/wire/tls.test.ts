/** The same engine behind TLS: bodies whole, cuts visible, and a close-delimited answer never finished as chunked. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { RawBackend, answerBytes, ok, reset } from '../support/wire/backend.ts'
import { get, RawClient } from '../support/wire/client.ts'
import { startEngine, type TestEngine } from '../support/wire/engine.ts'
import { value } from '../support/wire/message.ts'
import { MessageReader } from '../support/wire/reader.ts'
import { until } from '../support/wire/until.ts'

let hasOpenssl = true
try {
  execFileSync('openssl', ['version'], { stdio: 'ignore' })
} catch {
  hasOpenssl = false
}

describe.skipIf(!hasOpenssl)('a TLS listener (needs openssl)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wire-tls-'))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const backend = new RawBackend()
  const sockets: tls.TLSSocket[] = []
  let engine: TestEngine

  beforeAll(async () => {
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ]
    execFileSync('openssl', [...args, '-keyout', files.key, '-out', files.cert], { stdio: 'ignore' })
    engine = await startEngine({ v1: await backend.listen(), tls: files })
  })
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
    expect(backend.faults).toEqual([])
  })
  afterAll(async () => {
    await engine.close()
    await backend.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function connect(): { socket: tls.TLSSocket; reader: MessageReader; readonly ended: () => 'fin' | 'rst' | null } {
    const socket = tls.connect({ port: engine.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    const reader = new MessageReader({ role: 'response', canonical: true })
    let ended: 'fin' | 'rst' | null = null
    socket.on('data', (chunk) => reader.push(chunk))
    socket.on('end', () => {
      ended ??= 'fin'
      reader.end('fin')
    })
    const cut = (): void => {
      ended ??= 'rst'
      reader.end('rst')
    }
    socket.on('error', cut)
    socket.on('close', cut)
    sockets.push(socket)
    return { socket, reader, ended: () => ended }
  }

  it('serves requests with bodies, and says https to the backend', async () => {
    backend.reset(answerBytes(ok('x'.repeat(300_000))))
    const { socket, reader } = connect()
    socket.write(`POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'y'.repeat(100_000)}`)
    await until('the answer', () => reader.messages[0]?.complete === true)
    expect([reader.messages[0]?.received, backend.complete[0]?.received]).toEqual([300_000, 100_000])
    const [request] = backend.complete
    expect(request && value(request, 'x-forwarded-proto')).toBe('https')
  })

  it('offers HTTP/1.1 only', async () => {
    const { socket } = connect()
    await until('the handshake', () => socket.alpnProtocol !== null)
    expect(socket.alpnProtocol).toBe('http/1.1')
  })

  it('an answer cut by its backend is not whole for the client', async () => {
    backend.reset(async (exchange) => {
      if (!(await exchange.whole)) return
      await exchange.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n')
      await reset(exchange)
    })
    const { socket, reader, ended } = connect()
    socket.write(get('/cut'))
    await until('an end', () => ended() !== null || reader.messages[0]?.complete === true)
    expect(reader.messages.filter((message) => message.complete && message.status < 500)).toEqual([])
  })

  it('refuses what is not HTTP, and survives what is not TLS', async () => {
    const { socket, reader, ended } = connect()
    socket.write('nonsense\r\n\r\n')
    await until('the end', () => ended() !== null)
    expect(reader.messages.map((message) => message.status)).toEqual([400])
    const plain = new RawClient({ port: engine.port })
    await plain.send(get('/'))
    await plain.end()
    expect(plain.complete).toEqual([])
    const after = connect()
    backend.reset()
    after.socket.write(get('/after'))
    await until('an answer', () => after.reader.messages[0]?.complete === true)
  })
})
