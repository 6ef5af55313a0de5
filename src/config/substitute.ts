/**
 * `${NAME}` in a value, replaced after the YAML was read, so that no variable can bring structure into the file.
 *
 * YAML itself forbids `{` and `}` in an unquoted text inside `[…]` or `{…}`, where secrets are usually written
 * (`{ slack: ${SLACK_URL} }`). So each `${…}` is masked before the YAML parser sees the text, character for
 * character, which keeps every position, and unmasked in the values it yields.
 */
import type { Env } from './problem.ts'

export interface Substituted {
  readonly text: string
  /** What to do about each `${…}` that has no value; empty when all have. */
  readonly missing: readonly string[]
}

const REFERENCE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/** `$$` is a literal `$`; `${NAME:-default}` takes the default when NAME is unset or empty, as in a shell. */
export function substitute(text: string, env: Env): Substituted {
  if (!text.includes('$')) return { text, missing: [] }
  const missing: string[] = []
  const out = text.replaceAll(/\$\$|\$\{([^}]*)\}|\$\{/g, (whole: string, inner: string | undefined) => {
    if (whole === '$$') return '$'
    const [, name, fallback] = REFERENCE.exec(inner ?? '') ?? []
    if (name === undefined) {
      missing.push(`"${whole}" names no environment variable; write \${NAME}, \${NAME:-default}, or $$ for a plain $`)
      return ''
    }
    const value = env[name]
    if (value !== undefined && (value !== '' || fallback === undefined)) return value
    if (fallback === undefined) missing.push(`the environment variable ${name} is not set; set it, or write \${${name}:-default}`)
    return fallback ?? ''
  })
  return { text: out, missing }
}

const ASCII = 0x80
/** Private-use characters: 48 blocks of 128 to choose one from that the file does not use itself (icon fonts do). */
const PRIVATE_FROM = 0xe000
const PRIVATE_BLOCKS = 48

export interface Masked {
  readonly text: string
  readonly unmask: (text: string) => string
}

/** Moves every ASCII character of `${…}`, and of `$${…}`, to a private-use one: the same length, harmless to YAML. */
export function mask(source: string): Masked {
  const base = unusedBlock(source)
  if (base === null || !source.includes('${')) return { text: source, unmask: (text) => text }
  const text = source.replaceAll(/\$\$\{[^}\n]*\}|\$\$|\$\{[^}\n]*\}/g, (whole) => shift(whole, 0, ASCII, base))
  return { text, unmask: (masked) => shift(masked, base, base + ASCII, -base) }
}

/** Adds `by` to every character in [from, to). */
function shift(text: string, from: number, to: number, by: number): string {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    out += String.fromCharCode(code >= from && code < to ? code + by : code)
  }
  return out
}

function unusedBlock(source: string): number | null {
  if (!/[\uE000-\uF8FF]/.test(source)) return PRIVATE_FROM
  const used = new Set<number>()
  for (let i = 0; i < source.length; i++) used.add(Math.floor((source.charCodeAt(i) - PRIVATE_FROM) / ASCII))
  const free = Array.from({ length: PRIVATE_BLOCKS }, (_, block) => block).find((block) => !used.has(block))
  return free === undefined ? null : PRIVATE_FROM + free * ASCII
}
