import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { createAdminServer } from '../../src/admin/server.ts'
import { createMemorySource } from './memory-source.ts'
import { startAdmin } from './support.ts'

const HEAD = 'POST /api/v1/rollback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'

test('a body over 64 KiB is refused, known length or not, and the answer arrives', async () => {
  const { send, raw, source } = await startAdmin()
  const large = JSON.stringify({ reason: 'x'.repeat(70_000) })
  expect(await send('POST', '/api/v1/rollback', { body: large })).toMatchObject({
    status: 413,
    json: { code: 'body-too-large' },
    headers: { connection: 'close' },
  })
  const chunk = `${(4096).toString(16)}\r\n${'x'.repeat(4096)}\r\n`
  const chunked = await raw(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`)
  expect(chunked).toMatch(/^HTTP\/1\.1 413 /)
  expect(chunked).toContain('body-too-large')
  const exact = JSON.stringify({ reason: 'x' }).padEnd(65_536, ' ')
  expect((await send('POST', '/api/v1/rollback', { body: exact })).status).toBe(200)
  expect(source.commands).toHaveLength(1)
})

test('a client that waits for 100 learns that its body is too large before sending it', async () => {
  const { raw } = await startAdmin()
  const refused = await raw(`${HEAD}Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n`)
  expect(refused).toMatch(/^HTTP\/1\.1 413 /)
})

test('a client that waits for 100 is invited when its body is welcome', async () => {
  const { port } = await startAdmin()
  const received = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port }, () =>
      socket.write(`${HEAD}Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`),
    )
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('{}')
    })
    socket.once('close', () => resolve(text))
  })
  expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
})

test('a refused body is never taken for the next request', async () => {
  const { raw, source } = await startAdmin()
  const inner = 'POST /api/v1/rollback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
  const outer = `POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`
  const answers = await raw(`${outer}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  expect(answers.match(/HTTP\/1\.1 /g)?.length).toBeLessThanOrEqual(2)
  expect(source.commands).toEqual([])
})

test('a head that never ends is cut off', async () => {
  const { raw } = await startAdmin({ limits: { headMs: 200 } })
  const started = performance.now()
  const answer = await raw('GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('"code":"request-timeout"')
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('a body that never ends is cut off', async () => {
  const { raw, source } = await startAdmin({ limits: { headMs: 200, requestMs: 300 } })
  const answer = await raw(`${HEAD}Content-Length: 10\r\n\r\n{`)
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(source.commands).toEqual([])
})

test('a head over 16 KiB is refused', async () => {
  const { raw } = await startAdmin()
  const answer = await raw(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  expect(answer).toContain('"code":"head-too-large"')
})

test('what is no HTTP gets a problem too', async () => {
  const { raw } = await startAdmin()
  expect(await raw('\u0016\u0003\u0001nonsense\r\n\r\n')).toContain('"code":"request-malformed"')
  expect(await raw('GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toContain(
    '"code":"target-invalid"',
  )
})

test('invalid UTF-8 is refused', async () => {
  const { raw } = await startAdmin()
  const { port } = await startAdmin()
  const received = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port }, () =>
      socket.write(Buffer.concat([Buffer.from(`${HEAD}Content-Length: 3\r\nConnection: close\r\n\r\n`), Buffer.from([0x22, 0xff, 0x22])])),
    )
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.once('close', () => resolve(text))
  })
  expect(received).toContain('not valid UTF-8')
  expect(await raw(`${HEAD}Content-Length: 2\r\nConnection: close\r\n\r\n{}`)).toMatch(/^HTTP\/1\.1 200 /)
})

test('connections beyond the limit are dropped, the others work on', async () => {
  const { port, send } = await startAdmin({ limits: { connections: 3 } })
  const idle = await Promise.all(
    Array.from(
      { length: 2 },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect({ host: '127.0.0.1', port }, () => resolve(socket))
        }),
    ),
  )
  expect((await send('GET', '/healthz')).status).toBe(200)
  const third = connect({ host: '127.0.0.1', port })
  const fourth = connect({ host: '127.0.0.1', port })
  const closed = await Promise.race([
    new Promise((resolve) => third.once('close', () => resolve('third'))),
    new Promise((resolve) => fourth.once('close', () => resolve('fourth'))),
  ])
  expect(['third', 'fourth']).toContain(closed)
  for (const socket of [...idle, third, fourth]) socket.destroy()
})

test('a source that does not answer is given up on', async () => {
  const source = { ...createMemorySource(), findings: () => new Promise<never>(() => undefined) }
  const { send } = await startAdmin({ limits: { answerMs: 100 } }, source)
  expect(await send('GET', '/api/v1/diffs')).toMatchObject({ status: 503, json: { code: 'no-answer-in-time' } })
  expect((await send('GET', '/healthz')).status).toBe(200)
})

test('a port in use is named, with what to do', async () => {
  const { port } = await startAdmin()
  const second = createAdminServer(createMemorySource(), { host: '127.0.0.1', port, tokens: [], metrics: 'open' })
  await expect(second.listen()).rejects.toThrow(
    `the admin port ${port} on 127.0.0.1 is in use by another program: stop that one, or choose another with admin.port or ADMIN_PORT`,
  )
  await second.close()
  const nowhere = createAdminServer(createMemorySource(), { host: '203.0.113.1', port: 0, tokens: [], metrics: 'open' })
  await expect(nowhere.listen()).rejects.toThrow('this machine has no such address')
})

test('closing ends idle connections at once and a stuck one after a second', async () => {
  const { server, port } = await startAdmin()
  const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`${HEAD}Content-Length: 10\r\n\r\n{`))
  await new Promise((resolve) => socket.once('connect', resolve))
  const ended = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => undefined)
  await server.close()
  await ended
  await server.close()
})
