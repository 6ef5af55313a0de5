/** Chapter 1: v1 answers everybody, v2 gets copies, and the one wrong cent is found. */
import type { Finding, Sample } from '../../core/model/finding.ts'
import type { RouteStatus } from '../../core/model/status.ts'
import { countText } from '../../cli/table.ts'
import { openTally } from '../tally.ts'
import { SECRETS } from '../toy-api.ts'
import { USERS } from '../traffic.ts'
import { PER_SECOND } from '../world.ts'
import type { World } from '../world.ts'

const WATCH_MS = 6_000
const CLEAN_MS = 3_000
/** Pairs of the old release that were still on their way are counted by then. */
const SETTLED_MS = 400

export async function shadow(world: World): Promise<void> {
  const { screen, claims, admin, traffic, v1, v2, gateway } = world
  screen.chapter('1  Shadow: v1 answers, v2 gets copies')
  screen.say(
    `v1 is a legacy tea shop (${v1.url}), v2 its rewrite, release 2.0 (${v2.url}). ${USERS.length} users send ${PER_SECOND} reads a second to ${gateway.url}.`,
  )
  const tally = openTally(traffic)
  await world.run(WATCH_MS)
  const found = await world.until('the comparison finds something', async () => {
    const route = await admin.route('orders')
    return route.comparisons.mismatch >= 2 ? route : null
  })
  tally.close()
  claims.check(
    `${countText(tally.total)} requests answered by v1, ${tally.v2.count} by v2, ${tally.errors.length} client errors`,
    tally.v1.count === tally.total && tally.decidedV2 === 0 && tally.errors.length === 0,
  )
  const { match, mismatch } = found.comparisons
  screen.say(
    `Route orders: ${countText(found.shadow.sent)} copies sent to v2, ${countText(comparedOf(found))} pairs of answers compared so far: ` +
      `${countText(match)} equal, ${countText(mismatch)} not. Key order and 12.50 for 12.5 count as equal.`,
  )
  await tellFinding(world)
  await fix(world)
}

async function tellFinding(world: World): Promise<void> {
  const { screen, claims } = world
  const { out, code } = await world.banyan('diffs', 'orders', '--json')
  const { findings } = JSON.parse(out) as { readonly findings: readonly Finding[] }
  for (const { endpoint, path, kind, count, compared, share, state } of findings) {
    const [low, high] = share.map((value) => (value * 100).toFixed(1))
    screen.block([
      `  ${endpoint}  ${screen.paint('bold', path)}  ${kind}  ${countText(count)} of ${countText(compared)} (${low}-${high} %)  ${state}`,
    ])
  }
  const [finding] = findings
  claims.check(
    'one finding, and it names the field: the amount in the lines of an order (exit code 3: there is a regression)',
    findings.length === 1 && finding?.path === '/lines/*/amount' && finding.kind === 'value' && code === 3,
  )
  tellSample(world, await sampleOf(world, findings))
}

/** A few samples of each finding are kept, and a newer one may take the place of the one just named. */
async function sampleOf(world: World, first: readonly Finding[]): Promise<string> {
  let findings = first
  return world.until('the finding has a sample', async () => {
    const example = findings.find(({ kind }) => kind === 'value')?.examples.at(-1)
    if (example !== undefined) {
      const { code, out } = await world.banyan('sample', example, '--json')
      if (code === 0) return out
      world.screen.say('(A newer sample has just taken its place.)')
    }
    findings = await world.admin.findings('orders')
    return null
  })
}

function tellSample({ screen, claims }: World, text: string): void {
  const { method, target, differences, v1 } = JSON.parse(text) as Sample
  const redacted = v1.body.match(/"\w+":\s*"\[redacted:\w+\]"/g) ?? []
  screen.block([
    `  ${method} ${target}`,
    ...differences.map(({ path, v1: left, v2: right }) => `  ${path}: v1 says ${left}, v2 says ${screen.paint('red', right ?? 'nothing')}`),
    ...redacted.map((pair) => `  ${pair}`),
  ])
  const leaks = SECRETS.filter((secret) => text.includes(secret))
  claims.check(
    `the sample that was kept holds ${leaks.length} of the ${SECRETS.length} names, e-mails and card numbers there are`,
    leaks.length === 0 && redacted.length > 0,
  )
}

async function fix(world: World): Promise<void> {
  const { screen, claims, admin, v2 } = world
  await v2.deploy('2.1')
  screen.say('Release 2.1 of v2 counts in cents: 2 × 7.75 less 5 % is 14.73 again.')
  const before = await settled(world)
  await world.run(CLEAN_MS)
  const after = await admin.route('orders')
  const compared = comparedOf(after) - comparedOf(before)
  const mismatches = after.comparisons.mismatch - before.comparisons.mismatch
  claims.check(`${countText(compared)} further comparisons, ${mismatches} mismatches`, compared > 0 && mismatches === 0)
}

async function settled(world: World): Promise<RouteStatus> {
  let last = await world.admin.route('orders')
  let since = performance.now()
  return world.until('no more mismatches', async () => {
    const next = await world.admin.route('orders')
    if (next.comparisons.mismatch !== last.comparisons.mismatch) since = performance.now()
    last = next
    return performance.now() - since >= SETTLED_MS ? next : null
  })
}

function comparedOf({ comparisons }: RouteStatus): number {
  const { match, mismatch, ignored, incomparable } = comparisons
  return match + mismatch + ignored + incomparable
}
