/** `npm run bench:faults [-- NAME…] [--quick]`: every promise about faults, measured; exit 1 when one is not kept. */
import { saveResults } from '../lib/report.ts'
import { SCENARIOS } from './scenarios.ts'
import type { Outcome, Scenario } from './scenarios.ts'
import { slowClients } from './slow-clients.ts'

const all: Readonly<Record<string, Scenario>> = {
  ...SCENARIOS,
  slow: { about: '1,000 idle and 200 slowloris clients: the others stay within twice their p99', run: slowClients },
}
const quick = process.argv.includes('--quick')
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const outcomes: Record<string, Outcome> = {}
for (const [name, { about, run }] of Object.entries(all)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.log(`\n${name}: ${about}`)
  const outcome = await run(quick)
  outcomes[name] = outcome
  console.log(`${outcome.pass ? 'kept' : 'NOT KEPT'}: ${JSON.stringify(outcome.figures)}`)
}
console.log(`\nsaved as ${saveResults({ quick, outcomes }, asked.length === 0 ? 'faults' : `faults-${asked.join('-')}`)}`)
process.exitCode = Object.values(outcomes).every(({ pass }) => pass) ? 0 : 1
