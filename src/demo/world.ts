/** The stage is set: folders, two backends, the gateway, its users. Everything here is ended by `endWorld`. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAdmin } from './admin.ts'
import type { Admin } from './admin.ts'
import { startBackend } from './backend.ts'
import type { ToyBackend } from './backend.ts'
import type { Claims } from './claims.ts'
import { createConfigMap, gatewayYaml } from './config-map.ts'
import type { ConfigMap, GatewayWishes } from './config-map.ts'
import { runBanyan, startGateway } from './gateway.ts'
import type { CommandRun, Gateway } from './gateway.ts'
import { createProcesses } from './processes.ts'
import type { Processes } from './processes.ts'
import type { Screen } from './screen.ts'
import { openTally } from './tally.ts'
import type { Tally } from './tally.ts'
import { startTraffic } from './traffic.ts'
import type { Traffic } from './traffic.ts'
import { pass, until } from './until.ts'

export interface World {
  readonly screen: Screen
  readonly claims: Claims
  readonly v1: ToyBackend
  readonly v2: ToyBackend
  readonly gateway: Gateway
  readonly admin: Admin
  readonly configMap: ConfigMap
  readonly wishes: GatewayWishes
  readonly traffic: Traffic
  /** Every request since the start. */
  readonly all: Tally
  /** Lets users go on for a while. */
  run(ms: number): Promise<void>
  /** Lets what was on its way arrive. */
  settle(): Promise<void>
  until<T>(what: string, condition: () => T | null | Promise<T | null>): Promise<T>
  /** Types a command and shows what it says. */
  banyan(...args: string[]): Promise<CommandRun>
  /** A time for the summary. */
  note(what: string, ms: number): void
  readonly times: readonly (readonly [what: string, ms: number])[]
}

export interface WorldOptions {
  readonly screen: Screen
  readonly claims: Claims
  readonly signal: AbortSignal
  /** 1 = as told to people; less = shorter chapters. */
  readonly pace: number
}

export interface Ground {
  readonly folder: string
  readonly processes: Processes
}

export const PER_SECOND = 200
const DEADLINE_MS = 15_000
const SETTLED_MS = 300
const PERCENTAGE = '100\n'

/** What everything stands on; first made, last taken away. */
export function breakGround(): Ground {
  return { folder: mkdtempSync(join(tmpdir(), 'banyan-demo-')), processes: createProcesses() }
}

/** For every way out: nothing is waited for. */
export function levelGround({ folder, processes }: Ground): void {
  processes.killAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

export async function buildWorld(ground: Ground, { screen, claims, signal, pace }: WorldOptions): Promise<World> {
  const { folder, processes } = ground
  const [v1, v2] = await Promise.all([startBackend(processes, folder, 'legacy'), startBackend(processes, folder, '2.0')])
  const debugSecret = randomBytes(8).toString('hex')
  const shadow = { stage: 'shadow', weight: 0 } as const
  const wishes = { v1: v1.url, v2: v2.url, storePath: join(folder, 'data'), debugSecret, orders: shadow, customers: shadow }
  const files = { 'gateway.yaml': gatewayYaml(wishes), v2_traffic_percentage: PERCENTAGE }
  const configMap = createConfigMap(join(folder, 'config'), files)
  const place = { cwd: folder, configFolder: configMap.folder, logFile: join(folder, 'gateway.log') }
  const gateway = await startGateway(processes, place, signal)
  v1.inherit({ gatewayPid: gateway.pid, folder })
  const wait = { signal, deadlineMs: DEADLINE_MS }
  await until('the gateway is ready', async () => ((await fetch(`${gateway.admin}/readyz`)).ok ? true : null), wait)
  const traffic = startTraffic({ url: gateway.url, perSecond: PER_SECOND, debugSecret })
  const times: (readonly [string, number])[] = []
  return {
    screen,
    claims,
    v1,
    v2,
    gateway,
    admin: connectAdmin(gateway.admin),
    configMap,
    wishes,
    traffic,
    all: openTally(traffic),
    run: (ms) => pass(ms * pace, signal),
    settle: () => pass(SETTLED_MS, signal),
    until: (what, condition) => until(what, condition, wait),
    banyan: async (...args) => {
      const ran = await runBanyan(processes, folder, gateway.admin, args)
      screen.command(`banyan ${args.map(quoted).join(' ')}`, args.includes('--json') ? [] : ran.lines)
      return ran
    },
    note: (what, ms) => void times.push([what, ms]),
    times,
  }
}

/** In order: users first, so that none of them is turned away by what follows. */
export async function endWorld({ traffic, admin, gateway, v1, v2 }: World): Promise<void> {
  await traffic.stop()
  await admin.close()
  await gateway.end()
  await Promise.all([v1.end(), v2.end()])
}

/** As it would have to be typed. */
function quoted(argument: string): string {
  return /^[\w./:-]+$/.test(argument) ? argument : `'${argument}'`
}
