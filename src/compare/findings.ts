/**
 * The book of findings: differences grouped by (route, endpoint, path, kind) and counted.
 *
 * Bounded whatever the backends answer: past a number of endpoints or findings per route the rest is
 * counted under "other". A comparison counts once per finding, however many fields of one pattern differ.
 */
import { createHash } from 'node:crypto'
import { endpointOf, ID_SEGMENT } from '../core/diff/endpoint.ts'
import { shareInterval, stateOf } from '../core/diff/evidence.ts'
import type { DifferenceKind, Finding } from '../core/model/finding.ts'
import { holdsSecret } from './secrets.ts'

export interface FindingLimits {
  readonly endpointsPerRoute: number
  readonly findingsPerRoute: number
}

export const FINDING_LIMITS: FindingLimits = { endpointsPerRoute: 200, findingsPerRoute: 500 }

/** What does not fit any more is counted under this name. */
export const OTHER = 'other'
const MAX_PATH = 300

/** Where and how two answers differ; the path must be fit to be shown. */
export interface Place {
  readonly path: string
  readonly kind: DifferenceKind
}

/** One entry of the book. */
export interface Entry {
  readonly id: string
  readonly route: string
  readonly endpoint: string
  readonly path: string
  readonly kind: DifferenceKind
  count: number
  readonly firstSeen: number
  lastSeen: number
}

interface RouteBook {
  readonly endpoints: Set<string>
  readonly entries: Map<string, Entry>
}

export class Findings {
  readonly #limits: FindingLimits
  readonly #routes = new Map<string, RouteBook>()

  constructor(limits: FindingLimits) {
    this.#limits = limits
  }

  /** Counts the places where one comparison differs; returns the entries they belong to, each once. */
  add(route: string, method: string, target: string, places: readonly Place[], at: number): readonly Entry[] {
    const book = this.#bookOf(route)
    const endpoint = this.#endpointOf(book, method, target)
    const entries = new Set<Entry>()
    for (const { path, kind } of places) entries.add(this.#entryOf(book, route, endpoint, shortPath(path), kind, at))
    for (const entry of entries) {
      entry.count++
      // Wall-clock times of several threads need not come in order.
      entry.lastSeen = Math.max(entry.lastSeen, at)
    }
    return [...entries]
  }

  /** Most seen first. `compared`: comparisons of a route that could have shown a difference. */
  list(route: string | null, compared: (route: string) => number, examples: (finding: string) => readonly string[]): readonly Finding[] {
    const names = route === null ? [...this.#routes.keys()] : [route]
    const findings = names.flatMap((name) => {
      const entries = [...(this.#routes.get(name)?.entries.values() ?? [])]
      const total = compared(name)
      return entries.map((entry) => describe(entry, total, examples(entry.id)))
    })
    return findings.sort((a, b) => b.count - a.count)
  }

  /** Forgets the routes that are not listed; returns the ids of their findings. */
  keepOnly(routes: ReadonlySet<string>): readonly string[] {
    const gone: string[] = []
    for (const [route, book] of this.#routes) {
      if (routes.has(route)) continue
      for (const { id } of book.entries.values()) gone.push(id)
      this.#routes.delete(route)
    }
    return gone
  }

  #bookOf(route: string): RouteBook {
    const known = this.#routes.get(route)
    if (known !== undefined) return known
    const book: RouteBook = { endpoints: new Set(), entries: new Map() }
    this.#routes.set(route, book)
    return book
  }

  #endpointOf(book: RouteBook, method: string, target: string): string {
    const endpoint = shortPath(endpointOf(method, target).split('/').map(withoutSecret).join('/'))
    if (book.endpoints.has(endpoint)) return endpoint
    if (book.endpoints.size >= this.#limits.endpointsPerRoute) return OTHER
    book.endpoints.add(endpoint)
    return endpoint
  }

  #entryOf(book: RouteBook, route: string, endpoint: string, path: string, kind: DifferenceKind, at: number): Entry {
    const key = JSON.stringify([endpoint, path, kind])
    const known = book.entries.get(key)
    if (known !== undefined) return known
    const full = book.entries.size >= this.#limits.findingsPerRoute
    if (full && path !== OTHER) return this.#entryOf(book, route, OTHER, OTHER, kind, at)
    const entry: Entry = { id: idOf(route, key), route, endpoint, path, kind, count: 0, firstSeen: at, lastSeen: at }
    book.entries.set(key, entry)
    return entry
  }
}

/** The same finding has the same id in every process and after every restart. */
function idOf(route: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([route, key]))
    .digest('hex')
    .slice(0, 12)
}

function describe(entry: Entry, total: number, examples: readonly string[]): Finding {
  const { id, route, endpoint, path, kind, count, firstSeen, lastSeen } = entry
  const compared = Math.max(total, count)
  const share = shareInterval({ count, compared })
  return {
    id,
    route,
    endpoint,
    path,
    kind,
    state: stateOf({ count, compared }),
    count,
    compared,
    share,
    firstSeen: new Date(firstSeen).toISOString(),
    lastSeen: new Date(lastSeen).toISOString(),
    examples: [...examples],
  }
}

function withoutSecret(segment: string): string {
  return holdsSecret(segment) ? ID_SEGMENT : segment
}

function shortPath(path: string): string {
  return path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}…` : path
}
