/**
 * Every reason to say no, in one table: a stable code, the HTTP status the admin API answers with, and a
 * sentence that says what to do instead. Codes are part of the contract; sentences are not.
 */
import type { Refusal } from '../model/control.ts'

interface Catalogued {
  readonly status: number
  /** `subject` is the route (or other thing) the command named; `detail` one more fact. */
  readonly message: (subject: string, detail: string) => string
}

export const REFUSALS = {
  'unknown-route': {
    status: 404,
    message: (route) => `no route or group is called "${route}"; \`banyan status\` lists them`,
  },
  'route-removed': {
    status: 404,
    message: (route) =>
      `route ${route} is not in the config any more, its users are on v1; put it back into the config, or end its latch with \`banyan rearm ${route} --reason …\``,
  },
  'invalid-stage': {
    status: 400,
    message: (_route, detail) => `"${detail}" is no stage; use off, shadow, canary or complete`,
  },
  'invalid-weight': {
    status: 400,
    message: (_route, detail) => `"${detail}" is no weight; use a percentage from 0 to 100 in steps of 0.01`,
  },
  'invalid-ceiling': {
    status: 400,
    message: (source, detail) => `"${detail}" is no ceiling (${source}); use a percentage from 0 to 100`,
  },
  'reason-required': {
    status: 400,
    message: (what) => `${what} raises v2's share and needs a reason: --reason "why" (lowering needs none)`,
  },
  'revision-moved': {
    status: 409,
    message: (seen, detail) => `you saw revision ${seen}, the state is at ${detail} now; look at \`banyan status\` and decide again`,
  },
  killed: {
    status: 409,
    message: (cause) =>
      `the global latch is set (${cause}): nothing can be raised, and nothing is queued; end it first with \`banyan rearm --global --reason …\``,
  },
  latched: {
    status: 409,
    message: (route, detail) =>
      `route ${route} is latched (${detail}): it cannot be raised, and nothing is queued; end the latch first with \`banyan rearm ${route} --reason …\``,
  },
  'weight-needs-canary': {
    status: 409,
    message: (route, detail) =>
      `route ${route} is in stage ${detail}, where all users get v1 whatever the weight; ${canaryFrom(route, detail)}, then set the weight`,
  },
  'one-stage-at-a-time': {
    status: 409,
    message: (route, detail) =>
      `route ${route} cannot go ${detail}: stages go up one at a time (off, shadow, canary, complete); ${nextFrom(route, detail)}`,
  },
  'complete-needs-full-weight': {
    status: 409,
    message: (route, detail) =>
      `route ${route} is at ${detail} %, complete needs 100; raise it with \`banyan weight ${route} 100 --reason …\`, or say --force`,
  },
  'not-routed': {
    status: 409,
    message: (route, detail) => `route ${route} is in stage ${detail}: no user gets v2, so there is nothing to trip`,
  },
  'not-latched': {
    status: 409,
    message: (route) => `route ${route} is not latched, there is nothing to rearm; \`banyan weight ${route} PERCENT --reason …\` raises it`,
  },
  'not-killed': {
    status: 409,
    message: () => 'the global latch is not set, there is nothing to rearm; a single route is rearmed with `banyan rearm ROUTE --reason …`',
  },
  'above-before-trip': {
    status: 409,
    message: (route, detail) =>
      `route ${route} had ${detail} % before it was latched and cannot be rearmed above that; rearm it at ${detail} or less, then raise it`,
  },
  'rearm-too-soon': {
    status: 428,
    message: (route, detail) =>
      `route ${route} tripped less than 10 minutes ago (${detail}); look at its errors first, wait, or say --force if the fault is understood`,
  },
  'too-many-trips': {
    status: 428,
    message: (route, detail) => `route ${route} tripped ${detail} times in 7 days; fix v2 first, or say --force if the fault is understood`,
  },
} as const satisfies Readonly<Record<string, Catalogued>>

export type RefusalCode = keyof typeof REFUSALS

export function refuse(code: RefusalCode, subject = '', detail = ''): Refusal {
  const { status, message }: Catalogued = REFUSALS[code]
  return { refused: true, code, status, message: message(subject, detail) }
}

function canaryFrom(route: string, stage: string): string {
  return stage === 'off'
    ? `take it to shadow and to canary with \`banyan stage ${route} shadow\``
    : `take it to canary with \`banyan stage ${route} canary\``
}

function nextFrom(route: string, move: string): string {
  return move.startsWith('off')
    ? `shadow is next: \`banyan stage ${route} shadow\``
    : `canary is next: \`banyan stage ${route} canary --reason …\``
}
