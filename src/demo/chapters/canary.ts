/** Chapter 2: every tenth user gets v2, always the same ones, and anybody's decision can be explained. */
import { countText, formatTable } from '../../cli/table.ts'
import type { RouteStatus } from '../../core/model/status.ts'
import { msText } from '../screen.ts'
import { openTally } from '../tally.ts'
import type { Answers, Tally } from '../tally.ts'
import type { World } from '../world.ts'
import { firstV2Answer, ROUNDING_MS, timeOf } from './measure.ts'

const WATCH_MS = 8_000
/** Fewer would make the share of v2 a matter of luck. */
const ENOUGH_REQUESTS = 500

/** Returns a user who is served by v2: the story follows them. */
export async function canary(world: World): Promise<string> {
  const { screen, claims, traffic, admin } = world
  screen.chapter('2  Canary: v2 gets a tenth of the users')
  await world.banyan('stage', 'orders', 'canary', '--reason', 'clean shadow since release 2.1')
  const first = firstV2Answer(world, 'orders')
  await world.banyan('weight', 'orders', '10', '--reason', 'first users')
  const changedAt = await timeOf(world, 'weight', 'orders')
  const tookMs = (await first.at()) - changedAt
  screen.say(`The first answer of v2 to a user came ${msText(tookMs)} after the command.`)
  world.note('command `weight 10` to the first user answered by v2', tookMs)
  const before = await admin.route('orders')
  const tally = openTally(traffic, ({ route, sentAt }) => route === 'orders' && sentAt > changedAt + ROUNDING_MS)
  const users = new Set<string>()
  const unwatch = traffic.watch(({ user, route, backend }) => route === 'orders' && backend === 'v2' && users.add(user))
  await world.run(WATCH_MS)
  await world.until('there were enough requests', () => (tally.total >= ENOUGH_REQUESTS ? true : null))
  tally.close()
  unwatch()
  screen.block(sideBySide(world, tally, before, await admin.route('orders')))
  check(world, tally)
  const [hero] = users
  if (hero === undefined) throw new Error('no user was served by v2, so there is nobody to explain')
  const { lines } = await world.banyan('explain', 'orders', '--header', `x-user-id: ${hero}`)
  claims.check(`${hero} gets v2, and the bucket is the reason`, lines[0]?.startsWith('v2  rule bucket') === true)
  return hero
}

function check({ claims }: World, tally: Tally): void {
  const share = (tally.v2.count / tally.total) * 100
  // The same limits as the gateway's own alarm for a lopsided split.
  claims.check(`v2 answered ${share.toFixed(1)} % of ${countText(tally.total)} requests (5 to 20 would do)`, share >= 5 && share <= 20)
  claims.check(
    `of ${tally.v1.users + tally.v2.users - tally.torn} users ${tally.torn} got answers from both; ${tally.errors.length} client errors`,
    tally.torn === 0 && tally.errors.length === 0,
  )
}

function sideBySide({ screen }: World, tally: Tally, before: RouteStatus, after: RouteStatus): string[] {
  const row = (backend: 'v1' | 'v2', answers: Answers): { text: string }[] =>
    [
      backend,
      countText(answers.count),
      `${((answers.count / tally.total) * 100).toFixed(1)} %`,
      String(answers.users),
      String(after.failures[backend] - before.failures[backend]),
      msText(answers.quantile(0.5)),
      msText(answers.quantile(0.99)),
    ].map((text) => ({ text }))
  const columns = ['backend', 'answers', 'share', 'users', 'failed', 'p50', 'p99'].map((title, index) => ({ title, right: index > 0 }))
  return formatTable(columns, [row('v1', tally.v1), row('v2', tally.v2)], screen.paint)
}
