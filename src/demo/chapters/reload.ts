/** Chapter 4: v2 is well again and a file asks for its 10 %; the latch is not the file's to lift. */
import { countText } from '../../cli/table.ts'
import { gatewayYaml } from '../config-map.ts'
import { msText } from '../screen.ts'
import { openTally } from '../tally.ts'
import type { World } from '../world.ts'
import { timeOf } from './measure.ts'

const WATCH_MS = 3_000
const ORDERS_WEIGHT = 10
const CUSTOMERS_WEIGHT = 25

export async function reload(world: World): Promise<void> {
  const { screen, admin, traffic, v2, configMap, wishes } = world
  screen.chapter('4  A reload asks for 10 % again')
  await v2.restart('2.1')
  await world.until('v2 answers its probe', async () => ((await admin.status()).backends.v2.up ? true : null))
  screen.say(`v2 runs release 2.1 again (process ${v2.pid()}) and answers its probe. A new config arrives, as Kubernetes delivers one:`)
  const canary = (weight: number) => ({ stage: 'canary', weight }) as const
  const wished = { ...wishes, orders: canary(ORDERS_WEIGHT), customers: canary(CUSTOMERS_WEIGHT) }
  screen.block([`  orders:    stage: canary, weight: ${ORDERS_WEIGHT}`, `  customers: stage: canary, weight: ${CUSTOMERS_WEIGHT}`])
  const swappedAt = configMap.swap({ 'gateway.yaml': gatewayYaml(wished) })
  const tookMs = (await timeOf(world, 'configure', '*', swappedAt)) - swappedAt
  await world.until('the new config is in force', async () =>
    (await admin.route('orders')).weight.configured === ORDERS_WEIGHT ? true : null,
  )
  screen.say(`In force ${msText(tookMs)} after the swap.`)
  world.note('config file swapped to config in force', tookMs)
  const orders = openTally(traffic, ({ route, sentAt }) => route === 'orders' && sentAt > swappedAt)
  const customers = openTally(traffic, ({ route }) => route === 'customers')
  await world.run(WATCH_MS)
  orders.close()
  customers.close()
  await judge(world, { orders, customers })
}

async function judge(
  world: World,
  { orders, customers }: Readonly<Record<'orders' | 'customers', ReturnType<typeof openTally>>>,
): Promise<void> {
  const { screen, claims, admin } = world
  const { config } = await admin.status()
  for (const note of config.notes ?? []) screen.say(`The gateway says: ${note}`)
  const { weight } = await admin.route('orders')
  claims.check(
    `orders: configured ${weight.configured} %, effective ${weight.effective} %, held by the ${weight.heldBy}; ` +
      `${orders.decidedV2} of ${countText(orders.total)} requests given to v2`,
    weight.configured === ORDERS_WEIGHT &&
      weight.effective === 0 &&
      weight.heldBy === 'latch' &&
      orders.decidedV2 === 0 &&
      orders.total > 0,
  )
  const share = (customers.v2.count / customers.total) * 100
  claims.check(
    `customers has no latch and obeys the same file: v2 answered ${share.toFixed(1)} % of ${countText(customers.total)} requests`,
    customers.v2.count > 0 && customers.errors.length === 0,
  )
}
