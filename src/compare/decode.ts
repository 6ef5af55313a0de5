/**
 * Undoes content-encodings, within a size that the compressed bytes cannot talk us out of.
 *
 * A 405-byte brotli body can stand for gigabytes. zlib stops at `maxOutputLength`, so a bomb costs the
 * time and memory of the limit and no more. The limit grows with the input up to `maxBytes`: real
 * answers do not shrink a thousandfold.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { BodyProblem } from '../core/diff/comparison.ts'

export interface DecodeLimits {
  /** Of the decoded body; a body without encoding may not be larger either. */
  readonly maxBytes: number
  /** Decoded bytes per encoded one, above `freeBytes`. */
  readonly maxRatio: number
  /** Bodies up to this size pass whatever their ratio. */
  readonly freeBytes: number
}

export const DECODE_LIMITS: DecodeLimits = { maxBytes: 16 * 1024 * 1024, maxRatio: 200, freeBytes: 1024 * 1024 }

/** Nobody stacks more than two; each layer costs a pass over the limit. */
const MAX_LAYERS = 3
const CHUNK_BYTES = 64 * 1024

type Decoder = (bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  deflate: inflate,
}

/** `encoding`: the Content-Encoding value, '' for none. The last one named was applied last. */
export function decodeBody(bytes: Uint8Array, encoding: string, limits: DecodeLimits): Uint8Array | BodyProblem {
  if (bytes.length > limits.maxBytes) return 'too-large'
  // HEAD, 204 and 304 name an encoding and have no body.
  if (bytes.length === 0) return bytes
  const layers = encoding
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
  if (layers.length > MAX_LAYERS) return 'undecodable'
  const maxOutputLength = Math.min(limits.maxBytes, Math.max(limits.freeBytes, bytes.length * limits.maxRatio))
  let body = bytes
  for (const layer of layers.reverse()) {
    const decoder = Object.hasOwn(DECODERS, layer) ? DECODERS[layer] : undefined
    if (decoder === undefined) return 'undecodable'
    const decoded = attempt(decoder, body, maxOutputLength)
    if (typeof decoded === 'string') return decoded
    body = decoded
  }
  return body
}

function attempt(decoder: Decoder, bytes: Uint8Array, maxOutputLength: number): Uint8Array | BodyProblem {
  try {
    return decoder(bytes, { maxOutputLength, chunkSize: CHUNK_BYTES })
  } catch (error) {
    return isTooLarge(error) ? 'too-large' : 'undecodable'
  }
}

/** RFC 9110 section 8.4.1.2: "deflate" is zlib; some servers send the bare stream all the same. */
function inflate(bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): Uint8Array {
  const zlibHeader = ((bytes[0] ?? 0) & 0x0f) === 8 && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) % 31 === 0
  return zlibHeader ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
