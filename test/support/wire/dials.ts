/** Watches every outgoing connect of the process, to prove that nobody is ever dialled but the backends. */
import net from 'node:net'

export interface Dials {
  /** `address:port` or socket path of every connect, in order. */
  readonly targets: string[]
  clear(): void
  stop(): void
}

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket

const watchers = new Set<string[]>()
let original: Connect | null = null

export function watchDials(): Dials {
  const targets: string[] = []
  watchers.add(targets)
  install()
  return {
    targets,
    clear: () => void (targets.length = 0),
    stop: () => {
      watchers.delete(targets)
      if (watchers.size === 0) uninstall()
    },
  }
}

function install(): void {
  if (original !== null) return
  const before = Reflect.get(net.Socket.prototype, 'connect') as Connect
  original = before
  Reflect.set(net.Socket.prototype, 'connect', function connect(this: net.Socket, ...args: unknown[]): net.Socket {
    const target = targetOf(args)
    for (const watcher of watchers) watcher.push(target)
    return before.apply(this, args)
  })
}

function uninstall(): void {
  if (original !== null) Reflect.set(net.Socket.prototype, 'connect', original)
  original = null
}

/** connect(options) · connect(port, host) · connect(path) · and net.connect's [options, callback]. */
function targetOf(args: readonly unknown[]): string {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0]
  if (typeof first === 'object' && first !== null) {
    const { host, port, path } = first as { readonly host?: string; readonly port?: number; readonly path?: string }
    return path ?? `${host ?? 'localhost'}:${port ?? 0}`
  }
  return typeof first === 'number' ? `${typeof args[1] === 'string' ? args[1] : 'localhost'}:${first}` : String(first)
}
