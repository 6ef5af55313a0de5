/** Chapter 5: somebody writes a 0 into a file, and that is the end of v2 for everybody. */
import { countText } from '../../cli/table.ts'
import { msText } from '../screen.ts'
import { openTally } from '../tally.ts'
import type { World } from '../world.ts'
import { ROUNDING_MS, timeOf } from './measure.ts'

const BEFORE_MS = 1_000
const AFTER_MS = 2_500

export async function ceiling(world: World): Promise<void> {
  const { screen, claims, admin, traffic, v2, configMap } = world
  screen.chapter('5  v2_traffic_percentage: 0')
  const before = openTally(traffic)
  await world.run(BEFORE_MS)
  before.close()
  screen.say(
    `v2 answered ${before.v2.count} of the last ${countText(before.total)} requests, all of route customers. Then, in the ConfigMap:`,
  )
  const rolledBackMs = await admin.rollbackMs()
  const given = openTally(traffic)
  const swappedAt = configMap.swap({ v2_traffic_percentage: '0\n' })
  screen.event(0, 'the file v2_traffic_percentage says 0')
  const seenMs = (await timeOf(world, 'ceiling', '*', swappedAt)) - swappedAt
  const toZeroMs = (await admin.rollbackMs()) - rolledBackMs
  screen.event(seenMs, 'noticed; global latch')
  screen.event(seenMs + toZeroMs, `v2 is at 0 in every thread, ${msText(toZeroMs)} later`)
  world.note('v2_traffic_percentage: 0 to zero in every thread', seenMs + toZeroMs)
  await world.settle()
  const witness = await v2.seen()
  const after = openTally(traffic, ({ sentAt }) => sentAt > swappedAt + seenMs + toZeroMs + ROUNDING_MS)
  await world.run(AFTER_MS)
  const later = await v2.seen()
  after.close()
  given.close()
  const { killed, ceiling: bound } = await admin.status()
  claims.check(
    `status: killed, ceiling ${bound.percent} % by the ${bound.source}`,
    killed && bound.percent === 0 && bound.source === 'file',
  )
  claims.check(
    `${countText(after.total)} requests sent since, ${after.decidedV2} of them given to v2; v2 itself counted ${later.users - witness.users}`,
    after.total > 0 && after.decidedV2 === 0 && later.users === witness.users && witness.users > 0,
  )
  claims.check(`${given.errors.length} client errors in ${countText(given.total)} requests`, given.errors.length === 0)
}
