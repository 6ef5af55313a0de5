/** `explain`: the running routes, the words as they are now, and a request nobody sent. */
import type { Refusal } from '../core/model/control.ts'
import type { Snapshot } from '../core/model/snapshot.ts'
import { explain } from '../core/split/explain.ts'
import type { Explanation } from '../core/split/explain.ts'
import { createFacts } from '../core/split/facts.ts'
import type { MadeUpRequest } from '../core/split/facts.ts'
import { compileRoutes } from '../core/split/match.ts'
import type { CompiledRoutes } from '../core/split/match.ts'

export interface ExplainRequest extends MadeUpRequest {
  /** null = the route that matches. */
  readonly route: string | null
}

export type Explainer = (query: ExplainRequest) => Explanation | Refusal

/** `words`: the routing words in shared memory. */
export function createExplainer(current: () => Snapshot | null, words: SharedArrayBuffer): Explainer {
  const cells = new Int32Array(words)
  let compiled: { readonly snapshot: Snapshot; readonly routes: CompiledRoutes } | null = null
  return (query) => {
    const snapshot = current()
    if (snapshot === null) return refuse('not-ready', 503, 'no config is in force yet: try again in a moment')
    if (compiled?.snapshot !== snapshot) compiled = { snapshot, routes: compileRoutes(snapshot.config, snapshot) }
    const explanation = explain(compiled.routes, cells, createFacts({ ...query, directAddress: query.clientAddress ?? '' }), query.route)
    return explanation ?? refuse('no-route', 404, noRoute(query))
  }
}

function noRoute({ route, method, target }: ExplainRequest): string {
  if (route !== null) return `no route is called "${route}"; \`banyan status\` lists them`
  return `no route matches ${method ?? 'GET'} ${target ?? '/'}: such a request gets 404`
}

function refuse(code: string, status: number, message: string): Refusal {
  return { refused: true, code, status, message }
}
