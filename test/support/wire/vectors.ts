/** The golden vectors, expanded to the bytes they stand for. */
import { readFileSync } from 'node:fs'

export interface RequestVector {
  readonly id: string
  readonly name: string
  readonly bytes: Buffer
  readonly verdict: 'accept' | 'reject' | 'either'
  readonly maxUpstreamRequests: number
  readonly expect: string
}

export interface ResponseVector {
  readonly id: string
  readonly method: string
  readonly bytes: Buffer
  readonly then: 'close' | 'rst' | 'keep'
  readonly expect: string
}

type Part = string | { readonly repeat: string; readonly times: number }
type Raw<T> = Omit<T, 'bytes'> & { readonly bytes: string | readonly Part[] }

function load<T>(file: string): readonly Raw<T>[] {
  const url = new URL(`../../vectors/${file}`, import.meta.url)
  const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { readonly cases: readonly Raw<T>[] }
  return cases
}

function expand(bytes: string | readonly Part[]): Buffer {
  const parts = typeof bytes === 'string' ? [bytes] : bytes
  return Buffer.from(parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join(''), 'latin1')
}

export function requestVectors(): readonly RequestVector[] {
  return load<RequestVector>('http1-requests.json').map((one) => ({ ...one, bytes: expand(one.bytes) }))
}

export function responseVectors(): readonly ResponseVector[] {
  return load<ResponseVector>('http1-responses.json').map((one) => ({ ...one, bytes: expand(one.bytes) }))
}
