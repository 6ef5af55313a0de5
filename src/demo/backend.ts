/** A toy backend as the demo sees it: a process to start and kill, a release to deploy, a witness to ask. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Processes } from './processes.ts'
import type { Release } from './toy-api.ts'
import type { Deployed, Inheritance, Listening, Witness } from './toy-messages.ts'

export interface ToyBackend {
  readonly port: number
  readonly url: string
  pid(): number
  /** All answers from now on come from this release; resolves with the time (ms) it began. */
  deploy(release: Release): Promise<number>
  seen(): Promise<Witness>
  /** SIGKILL; resolves with the time (ms) at which it was sent, when the process is gone. */
  kill(): Promise<number>
  /** A new process on the same port. */
  restart(release: Release): Promise<void>
  /** See `Inheritance`. */
  inherit(inheritance: Inheritance): void
  end(): Promise<void>
}

const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? 'toy.ts' : 'toy.js', import.meta.url)
const END_MS = 1_000

export async function startBackend(processes: Processes, cwd: string, release: Release): Promise<ToyBackend> {
  let child = launch(processes, cwd, release, 0)
  const { port } = await listening(child)
  const url = `http://127.0.0.1:${port}`
  return {
    port,
    url,
    pid: () => child.pid ?? 0,
    deploy: async (wanted) => {
      const answer = await fetch(`${url}/toy/release`, { method: 'PUT', body: wanted })
      if (!answer.ok) throw new Error(`release ${wanted} could not be deployed at ${url}: ${await answer.text()}`)
      return ((await answer.json()) as Deployed).at
    },
    seen: async () => (await (await fetch(`${url}/toy/seen`)).json()) as Witness,
    kill: async () => {
      const at = Date.now()
      await processes.end(child, 'SIGKILL', END_MS)
      return at
    },
    restart: async (wanted) => {
      child = launch(processes, cwd, wanted, port)
      await listening(child)
    },
    inherit: (inheritance) => void child.send(inheritance),
    end: () => processes.end(child, 'SIGTERM', END_MS),
  }
}

function launch(processes: Processes, cwd: string, release: Release, port: number): ChildProcess {
  return processes.start(SCRIPT, [release, String(port)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], cwd })
}

async function listening(child: ChildProcess): Promise<Listening> {
  const died = once(child, 'exit').then(() => {
    throw new Error(`a toy backend ended before it listened (exit ${child.exitCode ?? child.signalCode})`)
  })
  // The loser of the race may still reject.
  died.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), died])) as [Listening]
  return message
}
