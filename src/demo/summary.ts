/** The end of the story: the ledger against the users' own count, and everything that was measured. */
import { countText } from '../cli/table.ts'
import { msText } from './screen.ts'
import type { World } from './world.ts'

const LEDGER_MS = 2_000

/** Ends the traffic first: only what stands still can be counted twice and compared. */
export async function summarize(world: World, startedAt: number): Promise<void> {
  const { screen, claims, admin, traffic, all, times } = world
  await traffic.stop()
  screen.chapter('Summary')
  const good = all.total - all.errors.length
  const counted = await ledgerCount(admin, good)
  claims.check(
    `the users sent ${countText(traffic.sent)} requests and got ${countText(good)} good answers; the gateway's ledger counts ${countText(counted)}`,
    counted === good && all.total === traffic.sent,
  )
  claims.check(`client errors: ${all.errors.length}`, all.errors.length === 0)
  for (const error of all.errors.slice(0, 5)) screen.say(`  ${error}`)
  const width = Math.max(...times.map(([what]) => what.length))
  screen.block(times.map(([what, ms]) => `${what.padEnd(width)}  ${msText(ms).padStart(9)}`))
  screen.say(
    `Answers of v1: median ${msText(all.v1.quantile(0.5))}, p99 ${msText(all.v1.quantile(0.99))}; of v2: ` +
      `${msText(all.v2.quantile(0.5))}, ${msText(all.v2.quantile(0.99))}; the toys think for 5 and 2 ms.`,
  )
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const { broken, made } = claims
  if (broken.length === 0) return screen.say(`${made} claims, all measured true, in ${seconds} s.`)
  screen.say(`${broken.length} of ${made} claims were NOT TRUE in this run of ${seconds} s:`)
  for (const claim of broken) screen.say(`- ${claim}`)
}

/** A thread counts an answer a moment after it has left, and on a busy machine the moment may be long. */
async function ledgerCount(admin: World['admin'], expected: number): Promise<number> {
  const end = performance.now() + LEDGER_MS
  for (;;) {
    const counted = await admin.goodAnswers()
    if (counted === expected || performance.now() > end) return counted
  }
}
