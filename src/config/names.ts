/** Texts with a grammar of their own: names, HTTP tokens, paths, hosts, pointers, URLs. */
import { domainToASCII } from 'node:url'
import { globProblem } from '../core/split/glob.ts'
import { cidrProblem } from '../core/split/address.ts'
import { ENDPOINT_WRITE, isHost, readEndpoint } from './endpoint.ts'
import { field } from './field.ts'
import { text } from './fields.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const NAME_RULE = 'letters, digits, ".", "_" and "-", at most 63, the first a letter or digit'

/** What the audit log calls all routes together. */
const RESERVED = 'gateway'

/** Framing and routing headers: the wire engine writes them, nobody else. */
const FRAMING = ['connection', 'content-length', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect']

/** Route and group names: label values, parts of URLs, words of commands. */
export function name(doc: string, write: string) {
  return text(doc, {
    what: `a name (${NAME_RULE})`,
    write,
    pattern: NAME,
    // `constructor` and the like are found on every object, whatever it holds.
    problem: (value) =>
      value === RESERVED || value in {} ? `${JSON.stringify(value)} is a reserved word; write another name, such as ${value}-routes` : null,
  })
}

/** The gateway's own name: sent in `X-Banyan-Hop` and `Via`. */
export function gatewayName(doc: string) {
  return text(doc, { what: `a name (${NAME_RULE})`, write: 'a name such as banyan', pattern: NAME })
}

/** A header read from requests, lower-case. `ours`: it is the gateway's own to read, so its prefix is no obstacle. */
export function requestHeader(doc: string, write: string, ours = false) {
  return text(doc, {
    what: 'a header name',
    write: `a header name such as ${write}`,
    pattern: TOKEN,
    problem: (value) => requestHeaderProblem(value, ours),
    change: (value) => value.toLowerCase(),
  })
}

/** Why a client's header of this name is never seen; null when it is. */
export function requestHeaderProblem(value: string, ours = false): string | null {
  const lower = value.toLowerCase()
  if (FRAMING.includes(lower)) return `${lower} belongs to the connection, not to the user; write another header`
  if (!ours && lower.startsWith('x-banyan-'))
    return `x-banyan-* headers of clients are removed before anything is decided; write another header`
  return null
}

export function isToken(value: string): boolean {
  return TOKEN.test(value)
}

/** A header the gateway writes, spelled as given. */
export function responseHeader(doc: string, write: string) {
  return text(doc, {
    what: 'a header name',
    write: `a header name such as ${write}, or null for none`,
    pattern: TOKEN,
    problem: (value) => (FRAMING.includes(value.toLowerCase()) ? `${value} belongs to the connection; write another header` : null),
  })
}

export function method(doc: string) {
  return text(doc, {
    what: 'a method',
    write: 'a method such as GET or POST',
    pattern: TOKEN,
    problem: (value) => {
      if (value !== value.toUpperCase())
        return `methods are case-sensitive, and ${JSON.stringify(value)} is none; write ${value.toUpperCase()}`
      return value === 'CONNECT' || value === 'TRACE' ? `${value} is never forwarded; remove it` : null
    },
  })
}

/** Mirrors repeat a request: this version repeats only what changes nothing. */
export function safeMethod(doc: string) {
  return text(doc, {
    what: 'a method',
    write: 'GET, HEAD or OPTIONS',
    pattern: TOKEN,
    problem: (value) =>
      ['GET', 'HEAD', 'OPTIONS'].includes(value)
        ? null
        : `${JSON.stringify(value)} is no safe method, and mirroring others is not available in this version; write GET, HEAD or OPTIONS`,
  })
}

export function cookieName(doc: string) {
  return text(doc, { what: 'a cookie name', write: 'a cookie name such as session', pattern: TOKEN })
}

export function globPath(doc: string) {
  return text(doc, { write: 'a path such as /api/orders/**', problem: globProblem })
}

/** A path to send or to answer on: no pattern. */
export function plainPath(doc: string, write: string) {
  return text(doc, { what: 'a path', write: `a path such as ${write}`, pattern: /^\/[!-"$-~]*$/ })
}

export function hostName(doc: string) {
  return text(doc, {
    write: 'a host such as api.example.com',
    problem: hostProblem,
    change: (value) => value.toLowerCase().replace(/\.$/, ''),
  })
}

function hostProblem(value: string): string | null {
  if (value.includes('*')) return 'patterns are not known here; write one route per host, or leave host out for all of them'
  if (/^(?:[^:]*|\[.*\]):[0-9]*$/.test(value)) return `a host is matched without its port; write ${value.replace(/:[0-9]*$/, '')}`
  if (isHost(value.replace(/^\[(.*:.*)\]$/, '$1'))) return null
  const ascii = domainToASCII(value)
  return ascii !== '' && isHost(ascii)
    ? `browsers send this host as ${ascii}; write that`
    : `${JSON.stringify(value)} is no host name; write one such as api.example.com`
}

export function listenHost(doc: string) {
  return text(doc, {
    write: 'an address such as 127.0.0.1 or ::, or a host name',
    problem: (value) =>
      isHost(value) ? null : `${JSON.stringify(value)} is no address; write 127.0.0.1, 0.0.0.0, :: or a host name, without a port`,
  })
}

export function cidr(doc: string) {
  return text(doc, { write: 'a block such as 10.0.0.0/8', problem: cidrProblem })
}

export function endpoint(doc: string) {
  return field({
    doc,
    what: 'an endpoint',
    write: ENDPOINT_WRITE,
    json: { type: 'string', pattern: '^(https?://|unix:/)' },
    read: readEndpoint,
  })
}

/** RFC 6901, with `*` for one segment. */
export function pointer(doc: string) {
  return text(doc, {
    write: 'a JSON Pointer such as /items/*/updatedAt',
    problem: (value) => {
      if (!value.startsWith('/'))
        return `${JSON.stringify(value)} is no JSON Pointer; write /${value.replace(/^\$?\.?/, '').replaceAll('.', '/')}`
      return /~(?![01])/.test(value) ? `${JSON.stringify(value)} has a lone "~"; write ~0 for "~" and ~1 for "/"` : null
    },
  })
}

export function httpsUrl(doc: string, write: string) {
  return text(doc, {
    secret: true,
    write,
    problem: (value) => (URL.canParse(value) && /^https?:\/\/./i.test(value) ? null : `the value is no http(s) URL; write ${write}`),
  })
}

/** Sent in a header, so it must be visible ASCII; never shown. */
export function secret(doc: string) {
  return text(doc, {
    secret: true,
    write: 'the secret as ${NAME}, and set that environment variable',
    problem: (value) => (/^[!-~]+$/.test(value) ? null : 'a secret goes into a header; write visible ASCII without blanks'),
  })
}
