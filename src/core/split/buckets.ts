/**
 * Where a sticky key falls: one of 10,000 buckets, the same on every replica, after every restart, in every
 * language.
 *
 * Buckets are compared with `<`, so raising a weight only adds keys to the canary: a ramp never sends back to
 * v1 a user who has already seen v2. A different salt is an independent shuffle of the same keys, which is how
 * samples (mirror, A/A) are kept from leaning towards one side of the split.
 */
import { BUCKETS } from '../model/routing.ts'
import { utf8Bytes } from './byte-string.ts'
import { HashPrefix } from './murmur3.ts'

/** Maps keys to buckets under one salt. */
export class Buckets {
  readonly #prefix: HashPrefix

  constructor(salt: string) {
    // NUL cannot occur in a header value, so ("ab", "c") and ("a", "bc") stay apart.
    this.#prefix = new HashPrefix(`${utf8Bytes(salt)}\0`)
  }

  /** 0–9,999 for a byte string; allocates nothing. */
  bucketOfBytes(key: string): number {
    return this.#prefix.hash(key) % BUCKETS
  }
}

export function createBuckets(salt: string): Buckets {
  return new Buckets(salt)
}

/** Bucket of a text: its UTF-8 bytes are hashed. For the golden vectors, tools and other languages to compare with. */
export function bucketOf(stickyKey: string, salt: string): number {
  return createBuckets(salt).bucketOfBytes(utf8Bytes(stickyKey))
}
