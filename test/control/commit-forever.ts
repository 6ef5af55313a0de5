/** A process that commits and says so, until somebody kills it: `node commit-forever.ts FOLDER`. */
import { writeSync } from 'node:fs'
import { createLocalStore } from '../../src/control/local-store.ts'
import { initialState } from '../../src/core/control/state.ts'

const store = createLocalStore({ folder: process.argv[2] ?? '' })
const loaded = store.load()
if (loaded.problem !== null) throw new Error(loaded.problem.message)
let state = loaded.state ?? initialState()
for (;;) {
  state = { ...state, revision: state.revision + 1, ceiling: { ...state.ceiling, file: state.revision % 101 } }
  const reason = `revision ${state.revision} `.repeat(state.revision % 40)
  store.commit(state, {
    at: '2026-01-05T12:00:00.000Z',
    actor: 'child',
    reason,
    kind: 'ceiling',
    subject: '*',
    before: '',
    after: '',
    revision: state.revision,
    evidence: null,
  })
  // Synchronous, so that what was said is out before the next commit begins.
  writeSync(1, `${state.revision}\n`)
}
