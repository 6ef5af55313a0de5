/** How many data threads there are: as many as configured, where they can share a listening address. */
import type { ListenConfig } from '../core/model/config.ts'

/** Where libuv gives SO_REUSEPORT the meaning "the kernel spreads connections" (Node's documentation of `reusePort`). */
const SHARES_PORTS: readonly string[] = ['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']

export interface Machine {
  readonly platform: string
  /** `os.availableParallelism()`. */
  readonly parallelism: number
}

export function dataThreads(listen: ListenConfig, machine: Machine): number {
  // A socket path can be bound once; and one listener is all that a platform without reusePort allows.
  if (listen.socket !== null || !SHARES_PORTS.includes(machine.platform)) return 1
  return Math.max(1, listen.threads === 'auto' ? machine.parallelism : listen.threads)
}
