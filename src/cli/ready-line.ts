/** What the gateway says to a person once it serves. */
import type { GatewayConfig, ListenConfig, RouteConfig } from '../core/model/config.ts'
import type { Ready } from '../supervisor/supervisor.ts'
import { VERSION } from './version.ts'

/** Names of more routes than this would fill the screen. */
const NAMED_ROUTES = 8

export function readyLine(config: GatewayConfig, listen: ListenConfig, ready: Ready, threads: number): string {
  const scheme = listen.tls === null ? 'http' : 'https'
  const where = listen.socket === null ? address(scheme, listen.host, ready.port) : `unix:${listen.socket}`
  const admin = address('http', ready.admin.host, ready.admin.port)
  const routes = config.routes.slice(0, NAMED_ROUTES).map(routeText)
  const more = config.routes.length - routes.length
  const list = more > 0 ? [...routes, `and ${more} more`] : routes
  return `${config.name} ${VERSION} serves ${where} on ${threads === 1 ? 'one thread' : `${threads} threads`}, admin ${admin}; configured routes: ${list.join(', ')}`
}

/** As the config says it; a latch or an operator's command may hold it lower, which `status` tells. */
function routeText({ name, stage, weight }: RouteConfig): string {
  return stage === 'canary' ? `${name} (canary ${weight} %)` : `${name} (${stage})`
}

function address(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
