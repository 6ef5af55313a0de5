/** Which failures v1 answers for: what `fallback.on` lists, and nothing else. */
import { describe, expect, it } from 'vitest'
import type { FallbackConfig } from '../../src/core/model/config.ts'
import { OUTCOMES } from '../../src/core/model/observation.ts'
import type { Outcome } from '../../src/core/model/observation.ts'
import { fallsBackOn } from '../../src/proxy/fallback.ts'
import { isIdempotent, isSafe } from '../../src/proxy/method.ts'

const NEVER: FallbackConfig = { connect: false, timeout: false, statuses: [], afterMs: 5_000 }

function listed(config: Partial<FallbackConfig>): Outcome[] {
  const failures: readonly Outcome[] = ['refused', 'reset', 'timeout', 'malformed', 'busy']
  return failures.filter((outcome) => fallsBackOn({ ...NEVER, ...config }, OUTCOMES.indexOf(outcome)))
}

describe('v1 answers in the place of a v2 that failed', () => {
  it.each([
    ['nothing is listed', {}, []],
    ['connect is', { connect: true }, ['refused', 'reset', 'malformed', 'busy']],
    ['timeout is', { timeout: true }, ['timeout']],
    ['502 is: what is no HTTP would be one', { statuses: [502] }, ['malformed']],
    ['other statuses are', { statuses: [404, 503, 504] }, []],
    ['all are', { connect: true, timeout: true, statuses: [502] }, ['refused', 'reset', 'timeout', 'malformed', 'busy']],
  ] as const)('when %s', (_name, config, outcomes) => {
    expect(listed(config)).toEqual(outcomes)
  })
})

describe('a method', () => {
  it('promises what RFC 9110 says, and one nobody knows promises nothing', () => {
    const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH', 'BREW', 'get', 'CONNECT']
    expect(methods.filter(isSafe)).toEqual(['GET', 'HEAD', 'OPTIONS'])
    expect(methods.filter(isIdempotent)).toEqual(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
  })
})
