/**
 * The request as the rules see it, answered straight from the bytes of its head.
 *
 * One per thread, set anew for each request: a decision is made while the head is in the read buffer, and
 * nobody keeps the facts. What the gateway drops does not exist here.
 */
import { clientAddress } from '../core/split/address.ts'
import type { TrustedProxies } from '../core/split/address.ts'
import type { RequestFacts } from '../core/split/facts.ts'
import type { Head } from '../wire/head.ts'
import { H_XFF } from '../wire/names.ts'
import type { RequestInfo } from '../wire/request.ts'

const NO_PROXIES: TrustedProxies = { cidrs: [], unixSocket: false }

export class HeadFacts implements RequestFacts {
  method = ''
  directAddress = ''
  #head: Head | null = null
  #info: RequestInfo | null = null
  #trusted: TrustedProxies = NO_PROXIES
  #peerTrusted = false
  #target: string | null = null
  #host: string | null = null
  #client: string | null = null

  set(head: Head, info: RequestInfo, method: string, peer: string, trusted: TrustedProxies, peerTrusted: boolean): void {
    this.#head = head
    this.#info = info
    this.method = method
    this.directAddress = peer
    this.#trusted = trusted
    this.#peerTrusted = peerTrusted
    this.#target = null
    this.#host = null
    this.#client = null
  }

  get target(): string {
    if (this.#target !== null) return this.#target
    const { pathStart = 0, pathEnd = 0 } = this.#info ?? {}
    const raw = this.#head?.buf.toString('latin1', pathStart, pathEnd) ?? ''
    // An absolute-form target may have no path at all, or a query right behind its authority.
    this.#target = raw === '' ? '/' : raw.charCodeAt(0) === 0x3f ? `/${raw}` : raw
    return this.#target
  }

  get host(): string {
    if (this.#host !== null) return this.#host
    const { hostStart = 0, hostEnd = 0 } = this.#info ?? {}
    const raw = this.#head?.buf.toString('latin1', hostStart, hostEnd).toLowerCase() ?? ''
    const colon = raw.lastIndexOf(':')
    this.#host = colon > raw.lastIndexOf(']') ? raw.slice(0, colon) : raw
    return this.#host
  }

  get clientAddress(): string {
    if (this.#client !== null) return this.#client
    this.#client = this.#peerTrusted ? clientAddress(this.directAddress, this.#forwardedFor(), this.#trusted) : this.directAddress
    return this.#client
  }

  #forwardedFor(): string[] {
    const head = this.#head
    const values: string[] = []
    if (head === null) return values
    for (let i = 0; i < head.count; i++) if (head.id[i] === H_XFF && head.drop[i] === 0) values.push(head.value(i))
    return values
  }

  header(name: string): string | null {
    const head = this.#head
    if (head === null) return null
    const i = head.find(name)
    return i < 0 ? null : head.value(i)
  }

  headers(name: string): readonly string[] {
    const head = this.#head
    const values: string[] = []
    if (head === null) return values
    for (let i = head.find(name); i >= 0; i = head.find(name, i + 1)) values.push(head.value(i))
    return values
  }
}
