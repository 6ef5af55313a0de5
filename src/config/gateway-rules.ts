/** What the sections outside the routes must be to each other. */
import { isIPv4 } from 'node:net'
import { compileGlob } from '../core/split/glob.ts'
import type { RuleView } from './rule.ts'

/** Shorter ones can be guessed. */
const TOKEN_LENGTH = 16

export function checkGateway(view: RuleView): void {
  checkPorts(view)
  checkTokens(view)
  checkBackends(view)
  checkSticky(view)
  checkStickyCookie(view)
  if (view.config.store.kind === 'redis')
    view.warnings.push({
      path: ['store', 'redis'],
      message: `Redis is not available in this version: state is kept in ${view.config.store.path} on this machine alone`,
    })
}

function checkPorts(view: RuleView): void {
  const { listen, admin } = view.config
  const everywhere = ['::', '0.0.0.0', admin.host]
  if (
    listen.socket === null &&
    listen.port !== 0 &&
    listen.port === admin.port &&
    (everywhere.includes(listen.host) || admin.host === '::' || admin.host === '0.0.0.0')
  )
    view.problems.push({
      path: ['admin', 'port'],
      message: `${admin.port} is the data port (listen.port) too; write another, such as ${admin.port === 9090 ? 9091 : 9090}`,
    })
  if (listen.socket !== null && view.isWritten(['listen', 'port']))
    view.warnings.push({ path: ['listen', 'port'], message: 'has no effect beside listen.socket; remove one of them' })
}

function checkTokens(view: RuleView): void {
  const { host, tokens } = view.config.admin
  tokens.forEach((token, index) => {
    const before = tokens.findIndex(({ name, token: value }) => name === token.name || value === token.token)
    if (before < index)
      view.problems.push({
        path: ['admin', 'tokens', index],
        message: `has the name or the token of admin.tokens[${before}]; the audit log could not tell them apart: give each its own`,
      })
    if (token.token.length < TOKEN_LENGTH)
      view.warnings.push({
        path: ['admin', 'tokens', index, 'token'],
        message: `has ${token.token.length} characters and can be guessed; take ${TOKEN_LENGTH} random ones or more`,
      })
  })
  if (tokens.length === 0 && !isLoopback(host))
    view.warnings.push({
      path: ['admin', 'host'],
      message: `on ${host} without tokens only health and metrics are answered; add admin.tokens or set BANYAN_ADMIN_TOKEN`,
    })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

function checkBackends(view: RuleView): void {
  const { backends, routes } = view.config
  const needsV1 = routes.findIndex(({ stage }) => stage !== 'complete')
  const needsV2 = routes.findIndex(({ stage }) => stage !== 'off')
  const needed = { v1: needsV1, v2: needsV2 }
  for (const backend of ['v1', 'v2'] as const) {
    const { endpoints } = backends[backend]
    const route = routes[needed[backend]]
    if (endpoints.length === 0 && route !== undefined)
      view.problems.push({
        path: ['backends', backend, 'endpoints'],
        message: `is empty, but the route ${route.name} (stage ${route.stage}) needs ${backend}; write [http://host:port]`,
      })
    endpoints.forEach(({ url }, index) => {
      if (endpoints.findIndex((other) => other.url === url) < index)
        view.problems.push({ path: ['backends', backend, 'endpoints', index], message: `${url} is there twice; remove one` })
      if (backend === 'v2' && backends.v1.endpoints.some((other) => other.url === url))
        view.warnings.push({
          path: ['backends', backend, 'endpoints', index],
          message: `${url} is an endpoint of v1 too: v2 would be compared with itself`,
        })
    })
  }
}

function checkSticky(view: RuleView): void {
  const { sticky, trustedProxies, routes } = view.config
  const address = sticky.findIndex(({ kind }) => kind === 'ip')
  sticky.forEach((source, index) => {
    if (source.kind === 'ip' && !source.direct && trustedProxies.length === 0)
      view.problems.push({
        path: ['sticky', index, 'ip'],
        message:
          'needs trustedProxies, or every user behind a proxy has its address; write trustedProxies: [10.0.0.0/8], or ip: direct when no proxy is in front',
      })
    if (address >= 0 && index > address)
      view.warnings.push({
        path: ['sticky', index],
        message: `is never looked at: sticky[${address}] is an address, which every request has; move it up`,
      })
    if (source.kind === 'pathParam' && !routes.some(({ match }) => hasParam(match.path, source.name)))
      view.warnings.push({
        path: ['sticky', index, 'pathParam'],
        message: `no route has {${source.name}} in its path; write one such as /api/orders/{${source.name}}/**, or remove this source`,
      })
  })
  const split = routes.findIndex(({ stage }) => stage === 'canary')
  if (sticky.length === 0 && view.config.stickyCookie === null && split >= 0)
    view.warnings.push({
      path: ['sticky'],
      message: 'is empty, so no request has a key and v1 answers all below weight 100; write [{ header: x-user-id }] or a stickyCookie',
    })
}

function hasParam(pattern: string, name: string): boolean {
  return compileGlob(pattern).segments.some((segment) => segment.kind === 'param' && segment.text === name)
}

function checkStickyCookie(view: RuleView): void {
  const { stickyCookie, listen, trustedProxies, sticky } = view.config
  if (stickyCookie === null) return
  const prefix = /^__(?:Host|Secure)-/i.exec(stickyCookie.name)?.[0]
  if (prefix !== undefined && listen.tls === null && trustedProxies.length === 0)
    view.problems.push({
      path: ['stickyCookie', 'name'],
      message: `browsers take a ${prefix} cookie over https only, and this gateway sees none; remove the prefix, or write listen.tls or trustedProxies`,
    })
  if (sticky.some(({ kind }) => kind === 'ip'))
    view.warnings.push({ path: ['stickyCookie'], message: 'is never set: sticky has an address as a source, which every request has' })
}
