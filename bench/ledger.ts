/**
 * What one call of the ledger's recorder costs: `node bench/ledger.ts`.
 *
 * Latencies and slots vary from call to call as they do under traffic, so the cells are not all in the
 * first cache line. The loop without a call is told beside it, not taken off: it is a bound from above.
 */
import { createReader } from '../src/ledger/reader.ts'
import { createRecorder } from '../src/ledger/recorder.ts'
import { createMemory } from '../src/supervisor/memory.ts'

const CALLS = 20_000_000
const memory = createMemory(4)
const recorder = createRecorder(memory, 1)
const reader = createReader(memory)
const latencies = Float64Array.from({ length: 1024 }, (_, index) => 0.2 * 1.009 ** index)

function perCall(run: (index: number) => void): number {
  const start = process.hrtime.bigint()
  for (let index = 0; index < CALLS; index++) run(index)
  return Number(process.hrtime.bigint() - start) / CALLS
}

let sink = 0
const loop = (index: number): void => void (sink += (latencies[index & 1023] ?? 0) + ((index & 3) + 1))
const finished = (index: number): void => {
  const latency = latencies[index & 1023] ?? 0
  recorder.finished((index & 3) + 1, index & 1, 0, 1, latency, latency + 0.1)
}
const started = (index: number): void => recorder.started((index & 3) + 1, index & 1)
const count = (index: number): void => recorder.count((index & 3) + 1, 3)

for (let round = 0; round < 3; round++) {
  const ns = [finished, started, count, loop].map((run) => perCall(run).toFixed(1))
  console.log(`ns per call: finished ${ns[0]}, started ${ns[1]}, count ${ns[2]}, the loop alone ${ns[3]}`)
}

const before = process.hrtime.bigint()
for (let tick = 0; tick < 1000; tick++) for (let slot = 0; slot < 64; slot++) reader.slot(slot)
console.log(`reader: ${(Number(process.hrtime.bigint() - before) / 1e6).toFixed(1)} µs per tick of 64 idle slots, 4 data threads`)
const active = process.hrtime.bigint()
for (let tick = 0; tick < 1000; tick++) {
  for (let slot = 0; slot < 64; slot++) {
    recorder.started(slot, 0)
    reader.slot(slot)
  }
}
console.log(`reader: ${(Number(process.hrtime.bigint() - active) / 1e6).toFixed(1)} µs per tick of 64 changed slots`)
if (sink < 0) console.log(sink)
