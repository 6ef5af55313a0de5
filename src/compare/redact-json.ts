/**
 * Writes a JSON document with its secrets sealed, up to a length, without recursion.
 *
 * A value under a secret name or a listed path is sealed whole: its shape and keys may be as telling as
 * its values. Everything else keeps its shape; strings and keys that look secret are sealed one by one.
 */
import { elementState, memberState } from '../core/diff/hash.ts'
import { canonicalNumber } from '../core/diff/number.ts'
import type { RuleState } from '../core/diff/rules.ts'
import {
  ARRAY,
  endOf,
  isContainer,
  kindOf,
  nextOf,
  NUMBER,
  OBJECT,
  rawText,
  startOf,
  STRING,
  stringText,
  type Tape,
} from '../core/diff/tape.ts'
import type { Seal } from './seal.ts'
import { holdsSecret, isSecretName } from './secrets.ts'

export interface PrintLimits {
  readonly maxChars: number
  readonly maxValueChars: number
}

interface Open {
  readonly kind: number
  readonly end: number
  readonly state: RuleState | null
  children: number
}

/** `listed`: places marked `ignore` are secret. A text past `maxChars` ends in `…`. */
export function printRedacted(tape: Tape, listed: RuleState | null, seal: Seal, limits: PrintLimits): string {
  return new Printer(tape, seal, limits).print(listed)
}

class Printer {
  readonly #tape: Tape
  readonly #seal: Seal
  readonly #limits: PrintLimits
  #text = ''

  constructor(tape: Tape, seal: Seal, limits: PrintLimits) {
    this.#tape = tape
    this.#seal = seal
    this.#limits = limits
  }

  print(listed: RuleState | null): string {
    const tape = this.#tape
    const open: Open[] = []
    let node = this.#value(0, listed, listed?.ignore === true, open)
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      // Every turn writes at least one char, so this also bounds depth.
      if (this.#text.length > this.#limits.maxChars) return `${this.#text.slice(0, this.#limits.maxChars)}…`
      if (node >= top.end) {
        this.#text += top.kind === OBJECT ? '}' : ']'
        open.pop()
        continue
      }
      if (top.children > 0) this.#text += ','
      const index = top.children++
      if (top.kind === OBJECT) {
        const name = stringText(tape, node)
        this.#text += `${this.#string(name)}:`
        const state = memberState(top.state, tape, node)
        node = this.#value(node + 1, state, isSecretName(name) || state?.ignore === true, open)
      } else {
        const state = elementState(top.state, index)
        node = this.#value(node, state, state?.ignore === true, open)
      }
    }
    return this.#text
  }

  /** Writes a value, or opens it; returns the node to go on with. */
  #value(node: number, state: RuleState | null, secret: boolean, open: Open[]): number {
    const tape = this.#tape
    const kind = kindOf(tape, node)
    if (isContainer(kind)) {
      if (secret && nextOf(tape, node) > node + 1) {
        this.#text += JSON.stringify(this.#seal(tape.bytes.subarray(startOf(tape, node), endOf(tape, node))))
        return nextOf(tape, node)
      }
      this.#text += kind === ARRAY ? '[' : '{'
      open.push({ kind, end: nextOf(tape, node), state, children: 0 })
      return node + 1
    }
    this.#text += this.#scalar(node, kind, secret)
    return node + 1
  }

  #scalar(node: number, kind: number, secret: boolean): string {
    if (kind === STRING) {
      const text = stringText(this.#tape, node)
      return secret && text !== '' ? JSON.stringify(this.#seal(text)) : this.#string(text)
    }
    const text = rawText(this.#tape, node)
    if (kind !== NUMBER) return text
    if (secret || holdsSecret(text)) return JSON.stringify(this.#seal(canonicalNumber(text)))
    return text.length > this.#limits.maxValueChars ? `${text.slice(0, this.#limits.maxValueChars)}…` : text
  }

  #string(text: string): string {
    if (holdsSecret(text)) return JSON.stringify(this.#seal(text))
    const { maxValueChars } = this.#limits
    return JSON.stringify(text.length > maxValueChars ? `${text.slice(0, maxValueChars)}…` : text)
  }
}
