/**
 * The decision for one request, told so that a person understands it: the body of `GET explain`.
 *
 * It asks the very `decide` the data plane asks, so it cannot tell another story. The sticky key's bucket is shown
 * even when another rule decided: "why not v2, and would she have been in it?" is one question. The key itself is
 * never shown.
 */
import type { Backend, Stage } from '../model/config.ts'
import type { Rule } from '../model/routing.ts'
import { GATEWAY_SLOT, LIVE, STAGES, backendOf, ruleOf, stageOf, weightOf } from '../model/routing.ts'
import type { CompiledRoute } from './compile.ts'
import type { Decision } from './decide.ts'
import { createDecision, decide } from './decide.ts'
import type { RequestFacts } from './facts.ts'
import type { CompiledRoutes } from './match.ts'
import { matchRoute } from './match.ts'
import { findStickyKey } from './sticky.ts'

export interface Explanation {
  readonly backend: Backend
  readonly rule: Rule
  readonly stickyKey: { readonly from: string } | null
  /** Bucket of the sticky key; null without one. */
  readonly bucket: number | null
  /** Effective weight, basis points: buckets below it are v2's. */
  readonly below: number
  readonly route: string
  readonly stage: Stage
  /** One plain sentence. */
  readonly reason: string
}

/**
 * Explains what a request gets under these words (by slot, as in shared memory; past ones for a past request).
 *
 * `route` names the route to decide for; null = the one that matches. null is returned when there is no such route.
 */
export function explain(
  routes: CompiledRoutes,
  words: ArrayLike<number>,
  facts: RequestFacts,
  route: string | null = null,
): Explanation | null {
  const compiled = route === null ? matchRoute(routes, facts) : routes.list.find((candidate) => candidate.config.name === route)
  if (compiled === undefined || compiled === null) return null
  const word = words[compiled.slot] ?? 0
  const decision = createDecision()
  decide(compiled, word, words[GATEWAY_SLOT] ?? 0, facts, decision)
  if (decision.key === null && findStickyKey(compiled.sources, facts, compiled.glob, decision)) {
    decision.bucket = compiled.buckets.bucketOfBytes(decision.key ?? '')
  }
  return {
    backend: backendOf(decision.code),
    rule: ruleOf(decision.code),
    stickyKey: decision.key === null ? null : { from: decision.keyFrom },
    bucket: decision.bucket < 0 ? null : decision.bucket,
    below: decision.belowBps,
    route: compiled.config.name,
    stage: STAGES[stageOf(word)] ?? 'off',
    reason: reasonOf(compiled, word, decision),
  }
}

function reasonOf(route: CompiledRoute, word: number, decision: Decision): string {
  const backend = backendOf(decision.code)
  const name = route.config.name
  const rule = ruleOf(decision.code)
  switch (rule) {
    case 'kill':
      return 'The kill switch is set: every request gets v1 until `rearm --global`.'
    case 'ceiling':
      return 'The ceiling is 0 %: every request gets v1 until it is raised.'
    case 'latch':
      return `Route ${name} was tripped or rolled back: every request gets v1 until it is rearmed.`
    case 'stage':
      return stageReason(name, word)
    case 'deny':
      return `Header ${route.deny?.header ?? ''} has a value from the deny list of route ${name}: always v1.`
    case 'allow':
      return `Header ${route.allow?.header ?? ''} has a value from the allow list of route ${name}: always v2.`
    case 'force':
      return `Header ${route.force?.header ?? ''} forces ${backend} with the right secret.`
    case 'version':
      return `The request asks for API version ${backend}.`
    case 'complete':
      return `Route ${name} has an effective weight of 100 %: every request gets v2, with or without a sticky key.`
    case 'no-key':
      return noKeyReason(route)
    case 'bucket':
      return bucketReason(decision, backend, name, weightOf(word))
    default:
      return rule satisfies never
  }
}

function stageReason(name: string, word: number): string {
  if ((word & LIVE) === 0) return `Route ${name} is not in service: every request gets v1.`
  return `Route ${name} is in stage ${STAGES[stageOf(word)] ?? 'off'}, in which v1 answers every request.`
}

function noKeyReason(route: CompiledRoute): string {
  const sources = route.sources.map((source) => source.from).join(', ')
  const missing = sources === '' ? 'no sticky source is configured' : `none of its sticky sources is present (${sources})`
  const cookie = route.mintFrom === '' ? '' : ` A browser would be given the sticky cookie now and be split by it from this request on.`
  return `The request has no sticky key, ${missing}: it gets v1.${cookie}`
}

function bucketReason(decision: Decision, backend: Backend, name: string, weightBps: number): string {
  const relation = backend === 'v2' ? 'is below' : 'is not below'
  return (
    `The key from ${decision.keyFrom} falls in bucket ${decision.bucket}, which ${relation} ${weightBps} ` +
    `(the effective weight of route ${name}, ${weightBps / 100} %): it gets ${backend}.`
  )
}
