/**
 * Which route a request belongs to: the first in the config that matches.
 *
 * A handful of routes is tried in order. With more of them a tree over the literal first segments of their globs
 * leaves only the few that can match, and of these the one written first still wins.
 */
import type { GatewayConfig } from '../model/config.ts'
import type { CompileContext, CompiledRoute, HostRule } from './compile.ts'
import { compileRoute } from './compile.ts'
import type { RequestFacts } from './facts.ts'
import { preflightMethod } from './facts.ts'
import { globMatches, literalHead } from './glob.ts'
import { canonicalPath } from './path.ts'

export interface CompiledRoutes {
  /** In the config's order. */
  readonly list: readonly CompiledRoute[]
  /** null while there are too few routes for it to pay. */
  readonly tree: Branch | null
}

interface Branch {
  /** Routes whose literal segments end here, in the config's order. */
  readonly routes: CompiledRoute[]
  readonly children: Map<string, Branch>
}

/** Measured: every route tried in vain costs 14 ns, a look into the tree 70 whatever their number. */
const TREE_FROM = 8

export function compileRoutes(config: Pick<GatewayConfig, 'routes' | 'sticky' | 'stickyCookie'>, context: CompileContext): CompiledRoutes {
  const list = config.routes.map((route, index) => compileRoute(route, index, config, context))
  return { list, tree: list.length < TREE_FROM ? null : growTree(list) }
}

function growTree(list: readonly CompiledRoute[]): Branch {
  const root: Branch = { routes: [], children: new Map() }
  for (const route of list) {
    let branch = root
    for (const segment of literalHead(route.glob)) {
      const next = branch.children.get(segment) ?? { routes: [], children: new Map() }
      branch.children.set(segment, next)
      branch = next
    }
    branch.routes.push(route)
  }
  return root
}

/** The route of a request; null when none matches. A CORS preflight belongs to the route of the request it asks about. */
export function matchRoute(routes: CompiledRoutes, facts: RequestFacts): CompiledRoute | null {
  const path = canonicalPath(facts.target)
  const method = facts.method === 'OPTIONS' ? (preflightMethod(facts) ?? 'OPTIONS') : facts.method
  return routes.tree === null ? firstOf(routes.list, path, method, facts) : searchTree(routes.tree, path, method, facts)
}

function firstOf(list: readonly CompiledRoute[], path: string, method: string, facts: RequestFacts): CompiledRoute | null {
  for (let i = 0; i < list.length; i++) {
    const route = list[i]
    if (route !== undefined && routeMatches(route, path, method, facts)) return route
  }
  return null
}

/** Walks down as far as the path's segments lead; every branch on the way may hold the winner. */
function searchTree(root: Branch, path: string, method: string, facts: RequestFacts): CompiledRoute | null {
  let best = firstOf(root.routes, path, method, facts)
  let branch = root
  for (let from = 1; from <= path.length && branch.children.size > 0;) {
    const slash = path.indexOf('/', from)
    const to = slash < 0 ? path.length : slash
    const next = branch.children.get(path.slice(from, to))
    if (next === undefined) break
    const found = firstOf(next.routes, path, method, facts)
    if (found !== null && (best === null || found.index < best.index)) best = found
    branch = next
    from = to + 1
  }
  return best
}

function routeMatches(route: CompiledRoute, path: string, method: string, facts: RequestFacts): boolean {
  if (!globMatches(route.glob, path)) return false
  if (route.methods !== null && !route.methods.has(method)) return false
  if (route.host !== null && !hostMatches(route.host, facts.host)) return false
  for (let i = 0; i < route.headers.length; i++) {
    const rule = route.headers[i]
    if (rule !== undefined && facts.header(rule.name) !== rule.value) return false
  }
  return true
}

function hostMatches(rule: HostRule, host: string): boolean {
  return rule.suffix ? host.length > rule.name.length && host.endsWith(rule.name) : host === rule.name
}
