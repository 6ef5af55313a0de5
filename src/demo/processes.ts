/**
 * The demo's child processes: none of them outlives it, whichever way it ends.
 *
 * They get sessions of their own, because Ctrl-C goes to everybody in the terminal's group, and the gateway
 * must not be gone before the demo has stopped asking it.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Processes {
  /** Runs a script on this very Node. */
  start(script: URL, args: readonly string[], options: StartOptions): ChildProcess
  /** Asks it to end, insists after `graceMs`, and waits until it has. */
  end(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void>
  /** SIGKILL for all that still run; for the very end, when nothing can be waited for. */
  killAll(): void
}

interface StartOptions {
  readonly stdio: StdioOptions
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
}

export function createProcesses(): Processes {
  const running = new Set<ChildProcess>()
  return {
    start: (script, args, { stdio, env, cwd }) => {
      // The first releases of Node 24 warn about type stripping and node:sqlite.
      const argv = ['--disable-warning=ExperimentalWarning', fileURLToPath(script), ...args]
      const child = spawn(process.execPath, argv, { stdio, cwd, env: environment(env), detached: true })
      running.add(child)
      child.once('exit', () => running.delete(child))
      // Could not be started: told by whoever waits for its first word.
      child.once('error', () => running.delete(child))
      return child
    },
    end: async (child, signal, graceMs) => {
      if (!running.has(child)) return
      const exit = once(child, 'exit')
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exit
      clearTimeout(timer)
    },
    killAll: () => {
      for (const child of running) child.kill('SIGKILL')
    },
  }
}

/** Nothing of the caller's settings for another gateway (PORT, BANYAN_…, V2_TRAFFIC_PERCENTAGE) reaches the demo's. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG, NODE_V8_COVERAGE } = process.env
  const known = Object.entries({ PATH, HOME, TMPDIR, LANG, NODE_V8_COVERAGE })
  return { ...Object.fromEntries(known.filter(([, value]) => value !== undefined)), ...extra }
}
