import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { startAdmin } from '../admin/support.ts'
import { run } from './support.ts'

const TOKENS = [
  { name: 'oncall', role: 'operator', token: 'operate-secret' },
  { name: 'wall', role: 'viewer', token: 'view-secret' },
] as const

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()))

test('the admin address and the token come from the option, else from the environment', async () => {
  const { url, source } = await startAdmin({ tokens: TOKENS })
  expect(await run(['status'], { env: { BANYAN_ADMIN: url, BANYAN_ADMIN_TOKEN: 'view-secret' } })).toMatchObject({ code: 0 })
  expect(
    await run(['rollback', 'orders', '--token', 'operate-secret'], { env: { BANYAN_ADMIN: url, BANYAN_ADMIN_TOKEN: 'view-secret' } }),
  ).toMatchObject({ code: 0 })
  expect(source.commands).toMatchObject([{ actor: 'oncall' }])
  expect(await run(['status', '--admin', url.replace('http://', ''), '--token', 'view-secret'])).toMatchObject({ code: 3 })
})

test('a missing, wrong or too weak token is told apart, and never printed', async () => {
  const { url } = await startAdmin({ tokens: TOKENS })
  const none = await run(['status', '--admin', url])
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('--token or BANYAN_ADMIN_TOKEN')])
  const wrong = await run(['status', '--admin', url, '--token', 'guessed'])
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('no token of this gateway')])
  const weak = await run(['rollback', 'orders', '--admin', url, '--token', 'view-secret'])
  expect([weak.code, weak.err]).toEqual([1, expect.stringContaining('role operator')])
  const broken = await run(['status', '--admin', url, '--token', 'a\nb secret'])
  expect([broken.code, broken.err]).toEqual([2, expect.stringContaining('visible ASCII')])
  expect([none, wrong, weak, broken].map(({ err }) => err).join()).not.toMatch(/guessed|view-secret|b secret/)
})

test('a gateway that is not there is named, with what to do', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const ran = await run(['status', '--admin', `http://127.0.0.1:${port}`])
  expect(ran.code).toBe(1)
  expect(ran.out).toBe('')
  expect(ran.err).toBe(
    `banyan: no gateway can be reached at http://127.0.0.1:${port}: the connection was refused. Is \`banyan serve\` running? Name another admin address with --admin URL or BANYAN_ADMIN`,
  )
})

test('an address that is none is a usage error', async () => {
  for (const admin of ['http://', 'ftp://127.0.0.1', 'http://127.0.0.1:99999', '::', '']) {
    const ran = await run(['status', '--admin', admin])
    expect([ran.code, ran.err], admin).toEqual([2, expect.stringContaining('it must be a URL like http://127.0.0.1:9090')])
  }
})

async function listen(server: ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  cleanups.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('something else on that port is not taken for a gateway', async () => {
  const web = createServer((_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello</p>'))
  cleanups.push(() => web.closeAllConnections())
  const ran = await run(['status', '--admin', await listen(web)])
  expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('is not the admin port of a Banyan gateway (status 200)')])
  const noise = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('SSH-2.0-x\r\n')
  })
  expect((await run(['status', '--admin', await listen(noise)])).err).toContain('does not speak HTTP')
  const broken = createServer((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('{'))
  cleanups.push(() => broken.closeAllConnections())
  expect((await run(['status', '--admin', await listen(broken)])).code).toBe(1)
})

test('a gateway that does not answer is given up on', async () => {
  const url = await listen(
    createTcpServer((socket) => {
      cleanups.push(() => socket.destroy())
    }),
  )
  const client = createClient({ admin: url, token: null, timeoutMs: 300 })
  if ('ok' in client) throw new Error(client.message)
  const reply = await client.ask('GET', '/api/v1/status')
  expect(reply).toMatchObject({ ok: false, exitCode: 1, code: 'unreachable' })
  expect(reply.ok ? '' : reply.message).toContain('no answer came in time')
  await client.close()
})

test('a path in front of the API is kept', async () => {
  const paths: (string | undefined)[] = []
  const web = createServer((req, res) => {
    paths.push(req.url)
    res.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"x","detail":"said"}')
  })
  cleanups.push(() => web.closeAllConnections())
  const ran = await run(['sample', 'a/b?c', '--admin', `${await listen(web)}/banyan/`])
  expect(paths).toEqual(['/banyan/api/v1/samples/a%2Fb%3Fc'])
  expect(ran).toEqual({ code: 1, out: '', err: 'banyan: said' })
})
