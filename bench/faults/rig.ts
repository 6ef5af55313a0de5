/** The gateway and two faulty backends as processes of their own, and what the scenarios ask of them. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, start, waitForPort } from '../lib/processes.ts'
import type { Running } from '../lib/processes.ts'
import type { Mode } from './backend.ts'

const ROOT = join(import.meta.dirname, '../..')

export class FaultyBackend {
  readonly port: number
  readonly notes: string
  #child: ChildProcess | null = null

  constructor(port: number, notes: string) {
    this.port = port
    this.notes = notes
    writeFileSync(notes, '')
  }

  async start(): Promise<void> {
    const child = fork(join(import.meta.dirname, 'backend.ts'), [String(this.port), this.notes], { stdio: 'inherit' })
    this.#child = child
    await new Promise((resolve) => {
      child.once('message', resolve)
    })
  }

  /** Takes effect before this resolves. */
  async mode(mode: Mode): Promise<void> {
    await this.#ask({ mode })
  }

  async served(): Promise<number> {
    return (await this.#ask({ ask: 'served' })).served
  }

  #ask(message: object): Promise<{ served: number }> {
    const child = this.#child
    return new Promise((resolve) => {
      child?.once('message', (answer: { served: number }) => resolve(answer))
      child?.send(message)
    })
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    const gone = new Promise((resolve) => {
      child.once('exit', resolve)
    })
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await gone
  }

  /** The orders it was sent, one per POST it saw. */
  orders(): string[] {
    return readFileSync(this.notes, 'utf8').split('\n').filter(Boolean)
  }
}

export interface Rig {
  readonly v1: FaultyBackend
  readonly v2: FaultyBackend
  readonly gateway: Running
  readonly dataPort: number
  readonly adminPort: number
  readonly folder: string
  api(method: string, path: string, body?: object): Promise<unknown>
  write(yaml: string): void
  stop(): Promise<void>
}

export interface RigOptions {
  readonly threads?: number
  /** Lines of the route, indented by four. */
  readonly route: string
  readonly extra?: string
}

export function gatewayYaml(ports: { data: number; admin: number; v1: number; v2: number }, folder: string, options: RigOptions): string {
  return `name: bench
logLevel: error
listen: { host: 127.0.0.1, port: ${ports.data}, threads: ${options.threads ?? 2} }
admin: { host: 127.0.0.1, port: ${ports.admin} }
backends:
  v1: { endpoints: ['http://127.0.0.1:${ports.v1}'] }
  v2: { endpoints: ['http://127.0.0.1:${ports.v2}'] }
store: { path: ${folder}/data }
drain: { delay: 0s, grace: 2s }
sticky: [{ header: x-user-id }]
${options.extra ?? ''}
routes:
  - name: all
    match: { path: /** }
${options.route}
`
}

export async function startRig(options: RigOptions): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-faults-'))
  const ports = { data: await freePort(), admin: await freePort(), v1: await freePort(), v2: await freePort() }
  const v1 = new FaultyBackend(ports.v1, join(folder, 'v1.orders'))
  const v2 = new FaultyBackend(ports.v2, join(folder, 'v2.orders'))
  await Promise.all([v1.start(), v2.start()])
  const config = join(folder, 'config')
  mkdirSync(config)
  const write = (yaml: string): void => writeFileSync(join(config, 'gateway.yaml'), yaml)
  write(gatewayYaml(ports, folder, options))
  const gateway = start(process.execPath, [join(ROOT, 'bin/banyan.js'), 'serve', '--config', config])
  await waitForPort(ports.data)
  await waitForPort(ports.admin)
  const api = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${ports.admin}/api/v1/${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return answer.json()
  }
  const stop = async (): Promise<void> => {
    await gateway.stop()
    await Promise.all([v1.kill(), v2.kill()])
    rmSync(folder, { recursive: true, force: true })
  }
  return { v1, v2, gateway, dataPort: ports.data, adminPort: ports.admin, folder, api, write, stop }
}
