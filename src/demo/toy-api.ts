/**
 * The toy API twice: the legacy tea shop, and its rewrite in several releases.
 *
 * The rewrite is honest work with an honest mistake: it computes money in floating point, and one line of one
 * order comes out a cent short. Its keys are in another order and it writes `12.50` where the legacy writes
 * `12.5`, which is the same JSON; the comparison must see through the second and find the first.
 */
import data from './data.json' with { type: 'json' }

/**
 * legacy: v1. 2.0: the rewrite with the rounding fault. 2.1: without it. 2.2: a bad deploy, every answer is a
 * 500 while its health check goes on saying that all is well.
 */
export const RELEASES = ['legacy', '2.0', '2.1', '2.2'] as const
export type Release = (typeof RELEASES)[number]

export interface ToyAnswer {
  readonly status: number
  readonly body: string
}

type Order = (typeof data.orders)[number]
type Line = Order['lines'][number]
type Customer = (typeof data.customers)[number]

/** What users ask for. */
export const ORDER_IDS = data.orders.map(({ id }) => id)
export const CUSTOMER_IDS = data.customers.map(({ id }) => id)
/** What must never turn up in anything the gateway keeps. */
export const SECRETS = data.customers.flatMap(({ name, email, cardNumber }) => [name, email, cardNumber])

export function answer(release: Release, target: string): ToyAnswer {
  if (release === '2.2') return { status: 500, body: '{"error":"NullPointer in OrderMapper"}' }
  const { pathname, searchParams } = new URL(target, 'http://toy')
  const [, api, collection, id] = pathname.split('/')
  if (api !== 'api') return NOT_FOUND
  if (collection === 'customers') return found(data.customers.find((customer) => String(customer.id) === id))
  if (collection !== 'orders') return NOT_FOUND
  if (id === undefined) return list(release, searchParams.get('customer'))
  const order = data.orders.find((candidate) => String(candidate.id) === id)
  return order === undefined ? NOT_FOUND : { status: 200, body: release === 'legacy' ? legacyOrder(order) : newOrder(release, order) }
}

const NOT_FOUND: ToyAnswer = { status: 404, body: '{"error":"no such thing"}' }

/** The same bytes from both: such a pair is known to be equal without anybody reading it. */
function found(thing: Customer | undefined): ToyAnswer {
  return thing === undefined ? NOT_FOUND : { status: 200, body: JSON.stringify(thing) }
}

function list(release: Release, customer: string | null): ToyAnswer {
  const orders = data.orders.filter((order) => String(order.customer) === customer)
  const brief = orders.map(({ id, placedAt, status, totalCents }) =>
    release === 'legacy' ? { id, placedAt, status, total: totalCents / 100 } : { total: totalCents / 100, status, placedAt, id },
  )
  return { status: 200, body: JSON.stringify({ orders: brief }) }
}

function legacyOrder({ id, placedAt, status, customer, lines, totalCents }: Order): string {
  return JSON.stringify({
    id,
    placedAt,
    status,
    currency: 'EUR',
    customer: payer(customer),
    lines: lines.map((line) => ({
      sku: line.sku,
      title: line.title,
      quantity: line.quantity,
      unitPrice: line.unitCents / 100,
      discount: line.discountPercent,
      amount: centsOf(line) / 100,
    })),
    total: totalCents / 100,
  })
}

function newOrder(release: Release, { id, placedAt, status, customer, lines, totalCents }: Order): string {
  const text = JSON.stringify({
    id,
    status,
    placedAt,
    total: money(totalCents / 100),
    currency: 'EUR',
    lines: lines.map((line) => ({
      sku: line.sku,
      amount: money(release === '2.0' ? hastyAmount(line) : centsOf(line) / 100),
      title: line.title,
      discount: line.discountPercent,
      quantity: line.quantity,
      unitPrice: money(line.unitCents / 100),
    })),
    customer: payer(customer),
  })
  // Two decimals always, which JSON.stringify cannot do.
  return text.replaceAll(/"EUR (\d+\.\d\d)"/g, '$1')
}

function payer(id: number): Omit<Customer, 'id' | 'city'> | null {
  const customer = data.customers.find((candidate) => candidate.id === id)
  return customer === undefined ? null : { name: customer.name, email: customer.email, cardNumber: customer.cardNumber }
}

/** Half a cent goes up, counted in whole hundredths of a cent: what the legacy does, and the accountants expect. */
function centsOf({ quantity, unitCents, discountPercent }: Line): number {
  return Math.floor((quantity * unitCents * (100 - discountPercent) + 50) / 100)
}

/** The mistake: 2 × 7.75 less 5 % is 14.725, but the nearest double lies below it, and half a cent goes down. */
function hastyAmount({ quantity, unitCents, discountPercent }: Line): number {
  return Number((quantity * (unitCents / 100) * (1 - discountPercent / 100)).toFixed(2))
}

function money(amount: number): string {
  return `EUR ${amount.toFixed(2)}`
}
