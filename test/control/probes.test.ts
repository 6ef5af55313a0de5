import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createProbes } from '../../src/control/probes.ts'
import type { Probes } from '../../src/control/probes.ts'
import type { BackendConfig, EndpointConfig } from '../../src/core/model/config.ts'
import { until } from '../support/wire/until.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function serve(answer: (response: ServerResponse, path: string) => void, socketPath?: string): Promise<EndpointConfig> {
  const server: Server = createServer((request, response) => answer(response, request.url ?? ''))
  await new Promise<void>((resolve) =>
    socketPath === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(socketPath, resolve),
  )
  cleanups.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  if (socketPath !== undefined) return { url: `unix:${socketPath}`, tls: false, host: '', port: 0, socketPath }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, tls: false, host: '127.0.0.1', port, socketPath: null }
}

function backend(...endpoints: EndpointConfig[]): BackendConfig {
  return { endpoints, probe: { path: '/health', intervalMs: 150 }, strict: false }
}

const unprobed: BackendConfig = { endpoints: [], probe: null, strict: false }

function probes(): Probes {
  const made = createProbes(() => 42)
  cleanups.push(() => made.close())
  return made
}

describe('the probes', () => {
  it('follow a backend down and up again, with the reason and the number of failures in a row', async () => {
    let status = 200
    const paths = new Set<string>()
    const endpoint = await serve((response, path) => {
      paths.add(path)
      response.writeHead(status).end('body to be thrown away')
    })
    const made = probes()
    expect(made.status('v1')).toMatchObject({ up: false, why: 'not probed yet' })
    made.use({ v1: backend(endpoint), v2: unprobed })
    await until('up', () => made.status('v1').up)
    expect(made.status('v1')).toEqual({ up: true, why: null, failuresInARow: 0, lastGoodAt: 42 })
    expect(made.status('v2')).toMatchObject({ up: true, why: 'no probe is configured' })
    status = 503
    await until('down', () => made.status('v1').failuresInARow >= 3)
    expect(made.status('v1')).toMatchObject({ up: false, lastGoodAt: 42 })
    expect(made.status('v1').why).toBe(`${endpoint.url}/health answered 503`)
    status = 302
    await until('up again', () => made.status('v1').up)
    expect([...paths]).toEqual(['/health'])
  })

  it('call a backend up while one endpoint answers, and name the one that does not', async () => {
    const good = await serve((response) => response.end())
    const refused: EndpointConfig = { url: 'http://127.0.0.1:1', tls: false, host: '127.0.0.1', port: 1, socketPath: null }
    const made = probes()
    made.use({ v1: backend(good, refused), v2: backend(refused) })
    await until('probed', () => made.status('v1').up && made.status('v2').failuresInARow > 0)
    expect(made.status('v1').why).toMatch(/^1 of 2 endpoints are down: http:\/\/127\.0\.0\.1:1\/health: .*ECONNREFUSED/)
    expect(made.status('v2').why).toMatch(/ECONNREFUSED/)
  })

  it('call a backend that accepts and never answers down, within their own time', async () => {
    const silent = await serve(() => {})
    const made = probes()
    made.use({ v1: backend(silent), v2: unprobed })
    await until('down', () => made.status('v1').failuresInARow > 0)
    expect(made.status('v1').why).toMatch(/\/health: no answer within 150 ms/)
  })

  it('speak to a socket path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banyan-probes-'))
    cleanups.push(() => rmSync(folder, { recursive: true }))
    const endpoint = await serve((response) => response.end(), join(folder, 'v1.sock'))
    const made = probes()
    made.use({ v1: backend(endpoint), v2: unprobed })
    await until('up', () => made.status('v1').up)
  })

  it('start anew when the endpoints change, and only then', async () => {
    const good = await serve((response) => response.end())
    const bad = await serve((response) => response.writeHead(500).end())
    const made = probes()
    made.use({ v1: backend(good), v2: unprobed })
    await until('up', () => made.status('v1').up)
    made.use({ v1: backend(good), v2: unprobed })
    expect(made.status('v1').up).toBe(true)
    made.use({ v1: backend(bad), v2: unprobed })
    expect(made.status('v1')).toMatchObject({ up: false, why: 'not probed yet' })
    await until('down', () => made.status('v1').failuresInARow > 0)
    expect(made.status('v1').why).toMatch(/answered 500/)
  })
})
