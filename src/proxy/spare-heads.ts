/** Buffers for forwarded heads: one per exchange, used again by the next one of any connection. */
import { Scratch } from '../wire/scratch.ts'

const HEAD_BYTES = 2_048
const SPARES = 1_024
const spares: Scratch[] = []

export function takeHead(): Scratch {
  return spares.pop() ?? new Scratch(HEAD_BYTES)
}

/** One that a large head has made large is not kept. */
export function giveHead(head: Scratch): void {
  head.reset()
  if (head.buf.length <= HEAD_BYTES && spares.length < SPARES) spares.push(head)
}
