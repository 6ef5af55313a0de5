/** Chapter 3: v2 answers with 500s, then it is dead; the judge takes it to zero, and no client notices. */
import { countText } from '../../cli/table.ts'
import { msText } from '../screen.ts'
import { openTally } from '../tally.ts'
import type { Tally } from '../tally.ts'
import type { World } from '../world.ts'
import { audited, ROUNDING_MS } from './measure.ts'

const AFTER_MS = 3_000
const FAILED_BEFORE_DEATH = 4

export async function outage(world: World, hero: string): Promise<void> {
  const { screen, traffic, admin, v2, gateway } = world
  screen.chapter('3  v2 breaks')
  const tally = openTally(traffic)
  const rolledBackMs = await admin.rollbackMs()
  const faultAt = await v2.deploy('2.2')
  screen.event(0, 'release 2.2 of v2 is deployed: every answer is a 500')
  await world.until('v2 fails some requests', () => (tally.fellBack.count >= FAILED_BEFORE_DEATH ? true : null))
  const pid = v2.pid()
  const { up } = (await admin.status()).backends.v2
  const killedAt = await v2.kill()
  screen.event(
    killedAt - faultAt,
    `v1 has answered ${tally.fellBack.count} requests in its place, and its health check still says "${up ? 'up' : 'down'}"; now process ${pid} is killed`,
  )
  const trip = await audited(world, 'trip', 'orders', faultAt)
  const tripMs = Date.parse(trip.at) - faultAt
  const toZeroMs = (await admin.rollbackMs()) - rolledBackMs
  screen.event(tripMs, `the judge: "${trip.reason}"`)
  screen.event(tripMs + toZeroMs, `the weight is 0 for all ${gateway.threads} data threads, ${msText(toZeroMs)} after the verdict; latched`)
  world.note('fault of v2 to zero in every thread', tripMs + toZeroMs)
  world.note('  of this, verdict to zero in every thread', toZeroMs)
  await world.settle()
  await watchZero(world, tally, { faultAt, zeroAt: faultAt + tripMs + toZeroMs })
  const { lines } = await world.banyan('explain', 'orders', '--header', `x-user-id: ${hero}`)
  world.claims.check(`${hero} gets v1 now, and the latch is the reason`, lines[0]?.startsWith('v1  rule latch') === true)
}

async function watchZero(world: World, tally: Tally, { faultAt, zeroAt }: { faultAt: number; zeroAt: number }): Promise<void> {
  const { claims, screen, traffic } = world
  const after = openTally(traffic, ({ sentAt }) => sentAt > zeroAt + ROUNDING_MS)
  await world.run(AFTER_MS)
  after.close()
  tally.close()
  const lastMs = (tally.lastV2SentAt ?? faultAt) - faultAt
  screen.say(`The last request that was given to v2 had been sent at +${msText(lastMs)}.`)
  claims.check(
    `${countText(after.total)} requests sent since zero, ${after.decidedV2} of them given to v2`,
    after.total > 0 && after.decidedV2 === 0 && lastMs <= zeroAt - faultAt + ROUNDING_MS,
  )
  claims.check(
    `${countText(tally.fellBack.count)} requests failed by v2 were answered by v1, the slowest in ${msText(tally.fellBack.quantile(1))}; ` +
      `${tally.errors.length} client errors in ${countText(tally.total)} requests`,
    tally.fellBack.count > 0 && tally.errors.length === 0,
  )
}
