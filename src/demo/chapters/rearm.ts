/** Chapter 6: the way back is a person's, with a reason; and the audit log has it all. */
import { countText } from '../../cli/table.ts'
import type { AuditEntry } from '../../core/model/control.ts'
import { msText } from '../screen.ts'
import { openTally } from '../tally.ts'
import type { World } from '../world.ts'
import { firstV2Answer, timeOf } from './measure.ts'

const HELD_MS = 1_500
const BACK_MS = 3_000

export async function rearm(world: World, hero: string): Promise<void> {
  world.screen.chapter('6  Rearm: the way back is a decision')
  await numberPutBack(world)
  await rearmGateway(world)
  await rearmOrders(world, hero)
  tellAudit(world, await world.admin.audit())
}

async function numberPutBack(world: World): Promise<void> {
  const { screen, claims, admin, traffic, configMap } = world
  configMap.swap({ v2_traffic_percentage: '100\n' })
  await world.until('the ceiling is gone', async () => ((await admin.status()).ceiling.percent === 100 ? true : null))
  screen.say('Automation puts the number back: the file says 100 again.')
  const held = openTally(traffic)
  await world.run(HELD_MS)
  held.close()
  const { killed } = await admin.status()
  claims.check(
    `the ceiling is 100 %, the global latch stays: ${held.decidedV2} of ${countText(held.total)} requests given to v2`,
    killed && held.decidedV2 === 0 && held.total > 0,
  )
}

async function rearmGateway(world: World): Promise<void> {
  const { screen, claims, admin } = world
  const back = firstV2Answer(world, 'customers')
  await world.banyan('rearm', '--global', '--reason', 'that was a drill')
  const tookMs = (await back.at()) - (await timeOf(world, 'rearm-global', '*'))
  screen.say(`v2 answered a user of customers ${msText(tookMs)} after the command.`)
  world.note('command `rearm --global` to the first user answered by v2', tookMs)
  const { weight } = await admin.route('orders')
  claims.check(`orders has a latch of its own: still ${weight.effective} %, held by the ${weight.heldBy}`, weight.heldBy === 'latch')
}

async function rearmOrders(world: World, hero: string): Promise<void> {
  const { claims, screen, traffic } = world
  const args = ['rearm', 'orders', '--to', '10', '--reason', '2.1 is back, 2.2 is withdrawn']
  const hasty = await world.banyan(...args)
  claims.check('so soon after a trip it is refused, and says why', hasty.code !== 0 && hasty.lines.join(' ').includes('--force'))
  const back = firstV2Answer(world, 'orders')
  const forced = await world.banyan(...args, '--force')
  const tookMs = (await back.at()) - (await timeOf(world, 'rearm', 'orders'))
  screen.say(`v2 answered a user of orders ${msText(tookMs)} after the command.`)
  world.note('command `rearm orders` to the first user answered by v2', tookMs)
  const tally = openTally(traffic, ({ route }) => route === 'orders')
  await world.run(BACK_MS)
  tally.close()
  const share = (tally.v2.count / tally.total) * 100
  claims.check(
    `orders is back: v2 answered ${share.toFixed(1)} % of ${countText(tally.total)} requests, ${tally.errors.length} client errors`,
    forced.code === 0 && tally.v2.count > 0 && tally.errors.length === 0,
  )
  const { lines } = await world.banyan('explain', 'orders', '--header', `x-user-id: ${hero}`)
  claims.check(`${hero} has v2 again, like before`, lines[0]?.startsWith('v2  rule bucket') === true)
}

/** Oldest first: it reads as what happened. */
function tellAudit({ screen, claims }: World, entries: readonly AuditEntry[]): void {
  screen.say('Who did what, and why (banyan audit, times in UTC):')
  for (const { at, actor, kind, subject, before, after, reason } of entries.toReversed()) {
    screen.entry(at.slice(11, 23), `${kind} ${subject} by ${actor}: ${before} → ${after}${reason === '' ? '' : ` (${reason})`}`)
  }
  const kinds = new Set(entries.map(({ kind }) => kind))
  const wanted = ['configure', 'stage', 'weight', 'trip', 'ceiling', 'rearm-global', 'rearm'] as const
  const missing = wanted.filter((kind) => !kinds.has(kind))
  claims.check(`${entries.length} entries; every change of this story is among them`, missing.length === 0)
}
