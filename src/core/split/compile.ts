/**
 * A route made ready for requests: everything that can be worked out from the config alone is worked out here.
 *
 * Stage and weight are not part of it; they come with the routing word. So the same config compiles to the same
 * decisions in every thread and after every restart.
 */
import type { GatewayConfig, HeaderList, RouteConfig, VersionConfig } from '../model/config.ts'
import { GATEWAY_SLOT } from '../model/routing.ts'
import type { Buckets } from './buckets.ts'
import { createBuckets } from './buckets.ts'
import { trimValue, utf8Bytes } from './byte-string.ts'
import type { ForceRule } from './force.ts'
import { compileForce } from './force.ts'
import type { Glob } from './glob.ts'
import { compileGlob } from './glob.ts'
import type { Sampler } from './sampling.ts'
import { createSampler } from './sampling.ts'
import type { CompiledSource } from './sticky.ts'
import { compileSources } from './sticky.ts'

export interface CompiledRoute {
  readonly config: RouteConfig
  /** Position in the config: the first match wins. */
  readonly index: number
  readonly slot: number
  readonly glob: Glob
  /** null = any method. */
  readonly methods: ReadonlySet<string> | null
  readonly host: HostRule | null
  readonly headers: readonly HeaderRule[]
  readonly sources: readonly CompiledSource[]
  readonly buckets: Buckets
  readonly deny: ListRule | null
  readonly allow: ListRule | null
  readonly force: ForceRule | null
  readonly version: VersionConfig | null
  /** What a minted key came from; empty = no sticky cookie is configured. */
  readonly mintFrom: string
  readonly mirror: Sampler
  readonly reverse: Sampler
  readonly control: Sampler
}

export interface HostRule {
  readonly name: string
  /** `*.example.com`: any name that ends in `.example.com`. */
  readonly suffix: boolean
}

export interface HeaderRule {
  readonly name: string
  readonly value: string
}

export interface ListRule {
  readonly header: string
  readonly values: ReadonlySet<string>
}

/** Slots by route name and extra salts by group, as control publishes them. */
export interface CompileContext {
  readonly slots: Readonly<Record<string, number>>
  /** Chosen by `rearm --resalt`: other users go first next time. */
  readonly resalts: Readonly<Record<string, string>>
}

type SharedConfig = Pick<GatewayConfig, 'sticky' | 'stickyCookie'>

export function compileRoute(config: RouteConfig, index: number, shared: SharedConfig, context: CompileContext): CompiledRoute {
  const { match } = config
  return {
    config,
    index,
    // The gateway's own slot is never live: a route that has no slot yet gets v1 and nothing else.
    slot: ownNumber(context.slots, config.name) ?? GATEWAY_SLOT,
    glob: compileGlob(match.path),
    methods: compileMethods(match.methods),
    host: match.host === null ? null : compileHost(match.host),
    headers: Object.entries(match.header).map(([name, value]) => ({ name: name.toLowerCase(), value: utf8Bytes(value) })),
    sources: compileSources(shared),
    buckets: createBuckets(saltOf(config, context)),
    deny: compileList(config.deny),
    allow: compileList(config.allow),
    force: compileForce(config.force),
    version: config.version,
    mintFrom: shared.stickyCookie === null ? '' : `new cookie ${shared.stickyCookie.name}`,
    mirror: createSampler('mirror', config.mirror.sample),
    reverse: createSampler('reverse', config.mirror.reverse),
    control: createSampler('control', config.compare.control),
  }
}

/** Routes of one sticky group share a salt, so a user sees one version on all of them. */
function saltOf(config: RouteConfig, context: CompileContext): string {
  const resalt = Object.hasOwn(context.resalts, config.group) ? (context.resalts[config.group] ?? '') : ''
  return resalt === '' ? config.stickyGroup : `${config.stickyGroup}#${resalt}`
}

function ownNumber(record: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** HEAD is GET without the body (RFC 9110 9.3.2). */
function compileMethods(methods: readonly string[]): ReadonlySet<string> | null {
  if (methods.length === 0) return null
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)
}

/** Facts carry the host in lower case and without port, so a rule that has either must not miss them. */
function compileHost(host: string): HostRule {
  const name = utf8Bytes(host.toLowerCase().replace(/:[0-9]*$/, ''))
  return name.startsWith('*.') ? { name: name.slice(1), suffix: true } : { name, suffix: false }
}

/** Values are trimmed like sticky keys, with which they are usually shared. */
function compileList(list: HeaderList | null): ListRule | null {
  if (list === null) return null
  const values = list.values.map((value) => trimValue(utf8Bytes(value))).filter((value) => value !== null)
  return { header: list.header.toLowerCase(), values: new Set(values) }
}
