/** Whether one route's match takes every request of another's: then the other, further down, is never reached. */
import type { MatchConfig } from '../core/model/config.ts'
import type { Glob } from '../core/split/glob.ts'
import { compileGlob } from '../core/split/glob.ts'

export interface CompiledMatch {
  readonly match: MatchConfig
  readonly glob: Glob
}

export function compileMatch(match: MatchConfig): CompiledMatch {
  return { match, glob: compileGlob(match.path) }
}

/** False also when it cannot be told cheaply: a route is called unreachable only when it surely is. */
export function covers(above: CompiledMatch, below: CompiledMatch): boolean {
  const { host, header } = above.match
  return (
    (host === null || host === below.match.host) &&
    methodsCover(above.match.methods, below.match.methods) &&
    Object.entries(header).every(([key, value]) => below.match.header[key] === value) &&
    globCovers(above.glob, below.glob)
  )
}

export function isCatchAll({ match, glob }: CompiledMatch): boolean {
  return glob.kind === 'any' && match.methods.length === 0 && match.host === null && Object.keys(match.header).length === 0
}

function methodsCover(above: readonly string[], below: readonly string[]): boolean {
  if (above.length === 0) return true
  return below.length > 0 && below.every((method) => above.includes(method) || (method === 'HEAD' && above.includes('GET')))
}

type Segment = Glob['segments'][number]

function globCovers(above: Glob, below: Glob): boolean {
  if (samePattern(above.segments, below.segments)) return true
  for (let i = 0; i < above.segments.length; i++) {
    const wide = above.segments[i]
    const narrow = below.segments[i]
    if (wide?.kind === 'rest') return i === above.segments.length - 1
    if (wide === undefined || narrow === undefined || !segmentCovers(wide, narrow)) return false
  }
  return above.segments.length === below.segments.length
}

function samePattern(above: readonly Segment[], below: readonly Segment[]): boolean {
  return above.length === below.length && above.every((segment, i) => sameSegment(segment, below[i]))
}

function sameSegment(a: Segment, b: Segment | undefined): boolean {
  if (b === undefined || a.kind !== b.kind) return false
  // The name of a parameter does not narrow what it matches.
  return a.kind === 'param' || (a.text === b.text && a.pieces.join('*') === b.pieces.join('*'))
}

function segmentCovers(wide: Segment, narrow: Segment): boolean {
  if (sameSegment(wide, narrow)) return narrow.kind !== 'rest'
  if (narrow.kind === 'rest') return false
  if (wide.kind === 'param') return narrow.kind === 'literal' && narrow.text !== ''
  return wide.kind === 'star' && wide.pieces.every((piece) => piece === '')
}
