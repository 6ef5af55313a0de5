/** Starting peers, waiting for their ports, reading what the kernel says they used. Only our own processes are ended, by id. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import net from 'node:net'

const CLOCK_TICKS = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout.trim() || '100')
const children = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export interface Running {
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** Full path of a program, looked for where servers live too; null when it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path)) ?? null
}

export function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } })
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000)
  })
  children.add(child)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      children.delete(child)
      if (code !== 0 && code !== null) console.error(`${command} ended with ${code}: ${errors}`)
      resolve()
    })
  })
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exited
      clearTimeout(killer)
    },
  }
}

/** CPU seconds (user + system) of a process, its threads and its children so far. */
export function cpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + cpuOf(each), 0)
}

/** Resident bytes of a process and its children. */
export function residentBytes(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + 4_096 * Number(readStat(`/proc/${each}/statm`).split(' ')[1] ?? 0), 0)
}

function cpuOf(pid: number): number {
  const stat = readStat(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / CLOCK_TICKS
}

function treeOf(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readStat(`/proc/${name}/stat`)
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0))
  }
  const tree = [pid]
  for (const each of tree) for (const [child, parent] of parents) if (parent === each) tree.push(child)
  return tree
}

function readStat(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port))
  })
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  return port
}

/** Resolves when something accepts connections there. */
export async function waitForPort(port: number, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs
  for (;;) {
    if (await canConnect(port)) return
    if (performance.now() > end) throw new Error(`nothing listens on port ${port} after ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
