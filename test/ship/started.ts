/** Starts what was built, the way the pod starts it: the image's command, the ConfigMap where it is mounted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import { TOKEN, container } from './base.ts'
import type { Image } from './image.ts'
import { onlyOf } from './manifests.ts'

export interface Started {
  readonly data: string
  readonly admin: string
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Ports are free ones, both backends are the one given, the store lies in the image's folder, the drain does not wait. */
export async function startBuilt(image: Image, backendPort: number): Promise<Started> {
  const [script = '', ...args] = image.command
  mountConfig(image, backendPort)
  const { PATH } = process.env
  const child = spawn(
    process.execPath,
    [join(image.root, script), ...args.map((arg) => (arg.startsWith('/') ? join(image.root, arg) : arg))],
    {
      cwd: image.root,
      env: { PATH, ...image.env, PORT: '0', ADMIN_PORT: '0', BANYAN_ADMIN_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const exit = once(child, 'exit') as Promise<[number | null]>
  try {
    const ready = await until('the gateway is ready', () => readyOf(said) ?? (child.exitCode === null ? null : 'ended'), 30_000)
    if (ready === 'ended') throw new Error('the gateway ended')
    return {
      data: `http://127.0.0.1:${ready.port}`,
      admin: `http://127.0.0.1:${ready.admin.port}`,
      stop: async () => {
        child.kill('SIGTERM')
        const late = setTimeout(() => child.kill('SIGKILL'), 40_000)
        const [code] = await exit
        clearTimeout(late)
        return code
      },
    }
  } catch (cause) {
    child.kill('SIGKILL')
    throw new Error(`the built gateway did not start:\n${said}`, { cause })
  }
}

function mountConfig(image: Image, backendPort: number): void {
  const mount = join(image.root, container.volumeMounts?.find(({ name }) => name === 'config')?.mountPath ?? '')
  mkdirSync(mount, { recursive: true })
  for (const [name, text] of Object.entries(onlyOf('ConfigMap').data ?? {})) {
    const here = text
      .replaceAll(/http:\/\/(?:legacy|rewrite):8000/g, `http://127.0.0.1:${backendPort}`)
      .replace('path: /data', `path: ${join(image.root, 'data')}`)
      .replace(/drain: \{ delay: \w+/, 'drain: { delay: 0s')
    writeFileSync(join(mount, name), here)
  }
}

interface ReadyLine {
  readonly port: number
  readonly admin: { readonly port: number }
}

function readyOf(said: string): ReadyLine | null {
  const line = said.split('\n').find((each) => each.startsWith('{') && each.includes('"msg":"ready"'))
  return line === undefined ? null : (JSON.parse(line) as ReadyLine)
}
