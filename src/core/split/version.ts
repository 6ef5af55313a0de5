/**
 * The API version a request asks for: `X-API-Version: 2`, `v2` or `2.0`; `Accept: application/vnd.x.v2+json` or
 * `…;version=2`; a path under `/v2/` (or `/api/v2/`).
 *
 * Only what a request says counts here. A request that says nothing is split like any other: the configured default
 * names the contract it is spoken to in, not its backend.
 */
import type { Backend, VersionConfig } from '../model/config.ts'
import type { RequestFacts } from './facts.ts'
import { canonicalPath } from './path.ts'

/** `unknown`: a version is named and neither backend has it. */
export type RequestedVersion = Backend | 'unknown'

const NUMBER = /^v?([0-9]{1,9})(?:\.[0-9]{1,9}){0,2}$/i

/** The first of the configured places that names a version decides; null when none does. */
export function requestedVersion(config: VersionConfig, facts: RequestFacts): RequestedVersion | null {
  for (const place of config.detect) {
    const version = versionIn(place, facts)
    if (version !== null) return version
  }
  return null
}

function versionIn(place: VersionConfig['detect'][number], facts: RequestFacts): RequestedVersion | null {
  switch (place) {
    case 'header': {
      const value = facts.header('x-api-version')
      return value === null || value === '' ? null : (versionOf(value) ?? 'unknown')
    }
    case 'accept': {
      const value = facts.header('accept')
      return value === null ? null : acceptVersion(value)
    }
    case 'path':
      return pathVersion(canonicalPath(facts.target))
    default:
      return place satisfies never
  }
}

/** `2`, `v2`, `2.0` → v2; a number no backend has → unknown; anything else → null. */
function versionOf(text: string): RequestedVersion | null {
  const major = NUMBER.exec(text)?.[1]
  if (major === undefined) return null
  const number = Number(major)
  return number === 1 ? 'v1' : number === 2 ? 'v2' : 'unknown'
}

/** Of the media ranges that name a version the one the client prefers: highest `q`, then first. */
function acceptVersion(accept: string): RequestedVersion | null {
  let best: RequestedVersion | null = null
  let bestQuality = 0
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const version = parameterVersion(parameters) ?? vendorVersion(type)
    const quality = version === null ? 0 : qualityOf(parameters)
    if (quality <= bestQuality) continue
    best = version
    bestQuality = quality
  }
  return best
}

function parameterVersion(parameters: readonly string[]): RequestedVersion | null {
  const value = parameterOf(parameters, 'version')
  return value === null ? null : versionOf(value)
}

/** `application/vnd.x.v2+json`: the last label of the vendor tree before the suffix. */
function vendorVersion(type: string): RequestedVersion | null {
  if (!type.toLowerCase().includes('/vnd.')) return null
  const plus = type.indexOf('+')
  const tree = plus < 0 ? type : type.slice(0, plus)
  const label = tree.slice(tree.lastIndexOf('.') + 1)
  return /^v/i.test(label) ? versionOf(label) : null
}

/** RFC 9110 12.4.2; what is no number counts as 1. */
function qualityOf(parameters: readonly string[]): number {
  const quality = Number(parameterOf(parameters, 'q') ?? '1')
  return Number.isNaN(quality) ? 1 : quality
}

function parameterOf(parameters: readonly string[], name: string): string | null {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=')
    if (parameter.slice(0, equals).trim().toLowerCase() !== name) continue
    return parameter
      .slice(equals + 1)
      .trim()
      .replace(/^"([^"]*)"$/, '$1')
  }
  return null
}

/** A first or second segment with more behind it: `/v2/orders`, `/api/v2/orders`. Deeper it is content, not the API's version. */
function pathVersion(path: string): RequestedVersion | null {
  const segments = path.split('/', 4)
  for (let i = 1; i < segments.length - 1; i++) {
    const digits = /^v([0-9]{1,9})$/.exec(segments[i] ?? '')?.[1]
    if (digits !== undefined) return versionOf(digits)
  }
  return null
}
