/** Allocates what the threads share. Nothing is ever resized: a bank is added, and everybody told. */
import type { SharedMemory } from '../core/model/messages.ts'
import { CONTROL_NOTES_CELLS, MAX_ENDPOINTS, MAX_ROUTES } from '../core/model/routing.ts'
import { gaugesBytes } from '../ledger/gauges.ts'
import { bankBytes, MAX_BANKS } from '../ledger/layout.ts'

const INT32 = Int32Array.BYTES_PER_ELEMENT

export function createMemory(threads: number): SharedMemory {
  return {
    words: new SharedArrayBuffer(MAX_ROUTES * INT32),
    connections: new SharedArrayBuffer(MAX_ENDPOINTS * INT32),
    gauges: new SharedArrayBuffer(gaugesBytes(threads)),
    notes: new SharedArrayBuffer(CONTROL_NOTES_CELLS * INT32),
    banks: [new SharedArrayBuffer(bankBytes(threads))],
    threads,
  }
}

/** The memory with banks up to and including `bank`; the same memory when it has them, or may not. */
export function withBank(memory: SharedMemory, bank: number): SharedMemory {
  if (bank < memory.banks.length || bank >= MAX_BANKS) return memory
  const missing = bank + 1 - memory.banks.length
  const added = Array.from({ length: missing }, () => new SharedArrayBuffer(bankBytes(memory.threads)))
  return { ...memory, banks: [...memory.banks, ...added] }
}
