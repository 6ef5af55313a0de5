/** `explain`: the running routes, the words as they are now, and a request nobody sent. */
import type { Snapshot } from '../core/model/snapshot.ts'
import { explain } from '../core/split/explain.ts'
import type { Explanation } from '../core/split/explain.ts'
import { createFacts } from '../core/split/facts.ts'
import type { MadeUpRequest } from '../core/split/facts.ts'
import { compileRoutes } from '../core/split/match.ts'
import type { CompiledRoutes } from '../core/split/match.ts'

interface ExplainRequest extends MadeUpRequest {
  /** null = the route that matches. */
  readonly route: string | null
}

/** null: no route matches, or there is no config yet. */
export type Explainer = (query: ExplainRequest) => Explanation | null

/** `words`: the routing words in shared memory. */
export function createExplainer(current: () => Snapshot | null, words: SharedArrayBuffer): Explainer {
  const cells = new Int32Array(words)
  let compiled: { readonly snapshot: Snapshot; readonly routes: CompiledRoutes } | null = null
  return (query) => {
    const snapshot = current()
    if (snapshot === null) return null
    if (compiled?.snapshot !== snapshot) compiled = { snapshot, routes: compileRoutes(snapshot.config, snapshot) }
    // Nobody says what is in front of the gateway: client and peer are taken for one.
    const facts = createFacts({ ...query, directAddress: query.clientAddress ?? '' })
    return explain(compiled.routes, cells, facts, query.route)
  }
}
