/**
 * Endpoint names to addresses, for the data threads, which connect to IP literals and socket paths only.
 *
 * (getaddrinfo shares four threads with everybody, so a name server that hangs would stall requests.)
 * Names are asked every few seconds; a name that stops resolving keeps its last answer, because a name
 * server's outage is not the backend's. Each address has an id in the shared connection counters that
 * stays with it; an id goes to another address only after it has been unused for long, since pooled
 * connections of the old address are still counted under it.
 */
import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Backend, BackendConfig, EndpointConfig } from '../core/model/config.ts'
import type { ResolvedEndpoint, Snapshot } from '../core/model/snapshot.ts'
import { createEndpointIds } from './endpoint-ids.ts'
import type { Owners } from './notes.ts'

export type Endpoints = Snapshot['endpoints']
type Backends = Readonly<Record<Backend, BackendConfig>>

export interface ResolverOptions {
  readonly ids: Owners
  readonly now: () => number
  /** Called when the addresses of the backends in use are others than before; never during `use`. */
  readonly onChange: (endpoints: Endpoints) => void
  readonly lookup?: (host: string) => Promise<readonly string[]>
  readonly intervalMs?: number | undefined
  /** How long one lookup may take before its last answer stands. */
  readonly timeoutMs?: number
}

export interface Resolver {
  /** Resolves these backends and asks again at every interval from now on. Never rejects, bounded in time. */
  use(backends: Backends): Promise<Endpoints>
  current(): Endpoints
  /** One sentence per name without an answer. */
  problems(): readonly string[]
  close(): void
}

const INTERVAL_MS = 5_000
const TIMEOUT_MS = 2_000

export function createResolver(options: ResolverOptions): Resolver {
  const names = createNames(options.lookup ?? lookupAll, options.timeoutMs ?? TIMEOUT_MS)
  const ids = createEndpointIds(options.ids, options.now)
  let backends: Backends | null = null
  let endpoints: Endpoints = { v1: [], v2: [] }
  let leftOut: readonly string[] = []
  let closed = false

  async function refresh(wanted: Backends): Promise<Endpoints> {
    await names.refresh(namesOf(wanted))
    const full: string[] = []
    const next = { v1: resolved('v1', wanted.v1, full), v2: resolved('v2', wanted.v2, full) }
    leftOut = full
    return next
  }

  function resolved(backend: Backend, config: BackendConfig, full: string[]): readonly ResolvedEndpoint[] {
    return config.endpoints.flatMap((endpoint) =>
      addressesOf(endpoint, names.answer(endpoint.host)).flatMap((address) => {
        const id = ids.of(`${backend} ${endpoint.url} ${address}`)
        if (id === null) full.push(`${endpoint.url} at ${address} is left out: the backends have more than ${options.ids.size} addresses`)
        return id === null ? [] : [describe(endpoint, address, id)]
      }),
    )
  }

  function adopt(next: Endpoints): void {
    endpoints = next
    ids.inUse([...next.v1, ...next.v2].map((endpoint) => endpoint.id))
  }

  const stop = every(options.intervalMs ?? INTERVAL_MS, async () => {
    const wanted = backends
    if (wanted === null) return
    const next = await refresh(wanted)
    // A config that arrived meanwhile has its own answer.
    if (closed || wanted !== backends || JSON.stringify(next) === JSON.stringify(endpoints)) return
    adopt(next)
    options.onChange(next)
  })

  return {
    use: async (wanted) => {
      backends = wanted
      const next = await refresh(wanted)
      if (wanted === backends) adopt(next)
      return next
    },
    current: () => endpoints,
    problems: () => [...names.problems(), ...leftOut],
    close: () => {
      closed = true
      stop()
    },
  }
}

/** The last answer of every name asked for, and what is wrong with those that have no new one. */
function createNames(lookup: (host: string) => Promise<readonly string[]>, timeoutMs: number) {
  const answers = new Map<string, readonly string[]>()
  const failures = new Map<string, string>()

  async function ask(host: string): Promise<void> {
    try {
      const found = await withTimeout(lookup(host), timeoutMs)
      if (found.length === 0) throw new Error('the name has no addresses')
      answers.set(host, [...new Set(found)].toSorted())
      failures.delete(host)
    } catch (error) {
      const kept = answers.has(host) ? '; its last addresses stay in use' : ''
      failures.set(host, `endpoint name ${host} does not resolve: ${error instanceof Error ? error.message : String(error)}${kept}`)
    }
  }

  return {
    refresh: async (hosts: ReadonlySet<string>): Promise<void> => {
      await Promise.all([...hosts].map(ask))
      for (const host of failures.keys()) if (!hosts.has(host)) failures.delete(host)
    },
    answer: (host: string): readonly string[] => answers.get(host) ?? [],
    problems: (): readonly string[] => [...failures.values()],
  }
}

/** Runs `task` at every interval, never twice at once. */
function every(intervalMs: number, task: () => Promise<void>): () => void {
  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    void task().finally(() => {
      running = false
    })
  }, intervalMs)
  return () => clearInterval(timer)
}

async function lookupAll(host: string): Promise<readonly string[]> {
  const found = await dnsLookup(host, { all: true })
  return found.map((entry) => entry.address)
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const bare = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host)

function namesOf(backends: Backends): Set<string> {
  const endpoints = [...backends.v1.endpoints, ...backends.v2.endpoints]
  return new Set(endpoints.filter((e) => e.socketPath === null && isIP(bare(e.host)) === 0).map((e) => e.host))
}

function addressesOf(endpoint: EndpointConfig, answer: readonly string[]): readonly string[] {
  if (endpoint.socketPath !== null) return ['']
  const host = bare(endpoint.host)
  return isIP(host) === 0 ? answer : [host]
}

function describe(endpoint: EndpointConfig, address: string, id: number): ResolvedEndpoint {
  const host = bare(endpoint.host)
  const written = isIP(host) === 6 ? `[${host}]` : host
  const plain = endpoint.socketPath !== null || endpoint.port === (endpoint.tls ? 443 : 80)
  return {
    id,
    // A socket path is no valid Host.
    authority: endpoint.socketPath !== null ? host || 'localhost' : plain ? written : `${written}:${endpoint.port}`,
    address,
    port: endpoint.port,
    socketPath: endpoint.socketPath,
    tls: endpoint.tls,
    serverName: host,
  }
}
