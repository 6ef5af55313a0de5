/**
 * A folder laid out as Kubernetes mounts a ConfigMap: the files are links into `..data`, itself a link that is
 * swapped whole by one rename. What the gateway must follow in production it follows here.
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ConfigMap {
  readonly folder: string
  /** Swaps in the given files; those not named stay as they were. Resolves to the time (ms) of the rename. */
  swap(files: Readonly<Partial<ConfigFiles>>): number
}

export interface ConfigFiles {
  readonly 'gateway.yaml': string
  readonly v2_traffic_percentage: string
}

export function createConfigMap(folder: string, files: ConfigFiles): ConfigMap {
  mkdirSync(folder, { recursive: true })
  let generation = 0
  let current: ConfigFiles = files
  const write = (): string => {
    const name = `..generation-${++generation}`
    mkdirSync(join(folder, name))
    for (const [file, text] of Object.entries(current)) writeFileSync(join(folder, name, file), text)
    return name
  }
  symlinkSync(write(), join(folder, '..data'))
  for (const file of Object.keys(files)) symlinkSync(join('..data', file), join(folder, file))
  return {
    folder,
    swap: (changed) => {
      const old = `..generation-${generation}`
      current = { ...current, ...changed }
      symlinkSync(write(), join(folder, '..data_tmp'))
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
      const at = Date.now()
      rmSync(join(folder, old), { recursive: true })
      return at
    },
  }
}

interface RouteWish {
  readonly stage: 'shadow' | 'canary'
  readonly weight: number
}

export interface GatewayWishes {
  readonly v1: string
  readonly v2: string
  readonly storePath: string
  /** Who sends it in `x-banyan-debug` is told the decision: the demo's clients are. */
  readonly debugSecret: string
  readonly orders: RouteWish
  readonly customers: RouteWish
}

export function gatewayYaml({ v1, v2, storePath, debugSecret, orders, customers }: GatewayWishes): string {
  return `# The demo's config: two routes on their way from v1 to v2.
listen: { host: 127.0.0.1, port: 0, threads: 2 } # 0 = any free port
admin: { host: 127.0.0.1, port: 0 }
store: { path: ${JSON.stringify(storePath)} }
drain: { delay: 0s, grace: 3s }
debug: { header: x-banyan-debug, secret: ${debugSecret} }
backends:
  v1: { endpoints: [${v1}], probe: { path: /health, interval: 1s } }
  v2: { endpoints: [${v2}], probe: { path: /health, interval: 1s } }
sticky: [{ header: x-user-id }]
defaults:
  fallback: { on: [connect, timeout, 500, 502, 503, 504] } # reads may be asked again, so a 500 too
  compare: { redact: [/customer/name, /name] } # e-mails and card numbers are known by themselves
routes:
  - name: orders
    match: { path: /api/orders/**, methods: [GET] }
    stage: ${orders.stage}
    weight: ${orders.weight}
  - name: customers
    match: { path: /api/customers/**, methods: [GET] }
    stage: ${customers.stage}
    weight: ${customers.weight}
  - name: rest
    match: { path: /** }
`
}
