import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addressProblem, usableHost } from '../../src/supervisor/address.ts'

const LOOPBACK = { key: 'listen', host: '127.0.0.1', port: 0, socket: null } as const

async function taken(options: ListenOptions): Promise<Server> {
  const server = createServer().listen(options)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'banyan-address-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('an address', () => {
  test('that is free is no problem, and stays free', async () => {
    const server = await taken({ host: '127.0.0.1', port: 0 })
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    expect(await addressProblem({ ...LOOPBACK, port })).toBeNull()
    expect(await addressProblem({ ...LOOPBACK, port })).toBeNull()
  })

  test('that somebody shares with reusePort is busy all the same', async () => {
    const server = await taken({ host: '127.0.0.1', port: 0, reusePort: process.platform === 'linux' })
    const { port } = server.address() as AddressInfo
    const problem = await addressProblem({ ...LOOPBACK, port })
    expect(problem).toContain(`listen: 127.0.0.1:${port} is in use by another program`)
    expect(problem).toContain('listen.port in the config, or PORT')
    expect(await addressProblem({ ...LOOPBACK, key: 'admin', port })).toContain('admin.port in the config, or ADMIN_PORT')
  })

  test('this machine does not have is named with what it may be', async () => {
    expect(await addressProblem({ ...LOOPBACK, host: '192.0.2.1', port: 8080 })).toMatch(
      /^listen: 192\.0\.2\.1:8080 is no address of this machine/,
    )
    expect(await addressProblem({ ...LOOPBACK, host: '2001:db8::1', port: 8080 })).toMatch(/^listen: \[2001:db8::1\]:8080 is no address/)
  })

  test('of all interfaces is one the machine can listen on', async () => {
    expect(['::', '0.0.0.0']).toContain(await usableHost('::'))
    expect(await usableHost('127.0.0.1')).toBe('127.0.0.1')
  })
})

describe('a socket path', () => {
  test('with somebody behind it is busy', async () => {
    const path = join(folder(), 'socket')
    await taken({ path })
    expect(await addressProblem({ ...LOOPBACK, socket: path })).toContain(`${path} is in use by another program`)
    expect(existsSync(path)).toBe(true)
  })

  test('left over by a killed gateway is cleared away', async () => {
    const path = join(folder(), 'socket')
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await once(spawn(process.execPath, ['-e', script]), 'exit')
    expect(existsSync(path)).toBe(true)
    expect(await addressProblem({ ...LOOPBACK, socket: path })).toBeNull()
    expect(existsSync(path)).toBe(false)
  })

  test('of a file that is no socket is refused, and the file is left alone', async () => {
    const path = join(folder(), 'notes.txt')
    writeFileSync(path, 'mine')
    expect(await addressProblem({ ...LOOPBACK, socket: path })).toContain(`${path} exists and is no socket`)
    expect(existsSync(path)).toBe(true)
  })

  test('in a folder that does not exist is refused with the reason', async () => {
    expect(await addressProblem({ ...LOOPBACK, socket: join(folder(), 'no', 'socket') })).toContain('cannot be listened on')
  })
})
