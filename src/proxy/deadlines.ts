/**
 * The one deadline an exchange has at any moment, on its connection's place on the wheel: whichever of
 * connect, first byte, idle is running, and never later than the total.
 */
import type { ExchangeLink } from './context.ts'
import type { Wheel } from '../wire/wheel.ts'

export class Deadlines {
  readonly #wheel: Wheel
  #total = Infinity

  constructor(wheel: Wheel) {
    this.#wheel = wheel
  }

  begin(exchange: ExchangeLink): void {
    const total = exchange.route?.config.timeouts.totalMs ?? 0
    this.#total = total > 0 ? this.#wheel.now + total : Infinity
  }

  connect(exchange: ExchangeLink): void {
    this.#arm(exchange, exchange.route?.config.timeouts.connectMs ?? 0)
  }

  /** The request is out. Where v1 may answer instead, v2 has until `fallback.after`. */
  awaitAnswer(exchange: ExchangeLink, mayFallBack: boolean): void {
    const first = exchange.route?.config.timeouts.firstByteMs ?? 0
    const after = mayFallBack ? (exchange.route?.config.fallback.afterMs ?? 0) : 0
    this.#arm(exchange, after > 0 && (first === 0 || after < first) ? after : first)
  }

  idle(exchange: ExchangeLink): void {
    this.#arm(exchange, exchange.route?.config.timeouts.idleMs ?? 0)
  }

  /** 0 = no deadline but the total one. */
  #arm(exchange: ExchangeLink, ms: number): void {
    const { entry } = exchange.client
    const at = Math.min(ms > 0 ? this.#wheel.now + ms : Infinity, this.#total)
    if (at === Infinity) this.#wheel.disarm(entry)
    else this.#wheel.arm(entry, at)
  }
}
