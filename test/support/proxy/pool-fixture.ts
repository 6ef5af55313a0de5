/** Backends and pools of one test file: opened by its tests, closed after each, and nothing may stay open. */
import { afterEach, expect } from 'vitest'
import { answerBytes, ok, RawBackend, type Script } from '../wire/backend.ts'
import { OneRequest, poolStage, type PoolStage } from './pool-user.ts'

export interface PoolFixture {
  readonly backend: (script?: Script) => Promise<RawBackend>
  readonly stage: (...args: Parameters<typeof poolStage>) => PoolStage
  /** One request, answered. */
  readonly served: (pool: PoolStage['pool'], once?: boolean) => Promise<OneRequest>
}

export function poolFixture(): PoolFixture {
  const backends: RawBackend[] = []
  const opened: PoolStage[] = []
  afterEach(async () => {
    for (const { pool, open } of opened.splice(0)) {
      pool.close(true)
      expect(open()).toBe(0)
    }
    for (const one of backends.splice(0)) await one.close()
  })
  return {
    backend: async (script = answerBytes(ok('x'))) => {
      const one = new RawBackend()
      backends.push(one)
      await one.listen()
      one.script = script
      return one
    },
    stage: (...args) => {
      const one = poolStage(...args)
      opened.push(one)
      return one
    },
    served: (pool, once = false) => new OneRequest(pool).start(once).until('end'),
  }
}
