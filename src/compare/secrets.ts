/**
 * What counts as a secret: by the name it stands under, or by what it looks like.
 *
 * Both lists lean towards too much. A redacted value still shows whether it is equal on both sides;
 * a kept secret is in every export.
 */

/** Parts of names, compared without case and punctuation: `X-Api-Key`, `api_key` and `apiKey` are one. */
const SECRET_PARTS = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secret',
  'token',
  'apikey',
  'authorization',
  'authenticat',
  'cookie',
  'session',
  'credential',
  'privatekey',
  'accesskey',
  'signature',
  'bearer',
  'jwt',
  'csrf',
  'xsrf',
  'cardnumber',
  'creditcard',
  'securitycode',
  'iban',
]
/** Names too short to be looked for inside others. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'auth',
  'pass',
  'pwd',
  'pin',
  'otp',
  'totp',
  'sid',
  'cvv',
  'cvv2',
  'cvc',
  'ssn',
  'pan',
  'xauth',
])

export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return SECRET_NAMES.has(plain) || SECRET_PARTS.some((part) => plain.includes(part))
}

/** Secrets begin within what is shown of a value; the rest of a long text is not searched. */
const SEARCHED_CHARS = 4_096

// Every quantifier is bounded or cannot overlap its neighbour: values come from the network.
const EMAIL = /[^\s@"'<>()]{1,64}(?:@|%40)[^\s@"'<>()]{1,255}\.[a-z]{2,24}/i
const JWT = /eyJ[\w-]{4,2000}\.[\w-]{4,2000}/
const SCHEME = /\b(?:bearer|basic|digest|negotiate|token|apikey)\s{1,4}[\w.~+/=-]{6}/i
const ASSIGNED =
  /(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|authorization|cookie|session(?:_?id)?|sid)["'\\]{0,4}\s{0,4}[:=]/i
const USERINFO = /\/\/[^\s/@]{1,256}@/
const PEM = /-----BEGIN [A-Z ]{1,40}-----/
const CARD = /(?<![\d.])[2-6]\d(?:[ -]?\d){11,17}(?!\d)/g
const RUN = /[\w-]{20,}/g
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whether a text holds something of a secret class: e-mail, card number, JWT, credentials, key, long opaque token. */
export function holdsSecret(value: string): boolean {
  const text = value.length > SEARCHED_CHARS ? value.slice(0, SEARCHED_CHARS) : value
  if (text.length < 6) return false
  if (/@|%40/.test(text) && (EMAIL.test(text) || USERINFO.test(text))) return true
  if (JWT.test(text) || SCHEME.test(text) || ASSIGNED.test(text) || PEM.test(text)) return true
  return holdsCard(text) || holdsOpaque(text)
}

function holdsCard(text: string): boolean {
  return (text.match(CARD) ?? []).some((match) => passesLuhn(match.replaceAll(/[ -]/g, '')))
}

/** ISO/IEC 7812-1 annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30
    const doubled = digit * 2
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** Long runs of letters mixed with digits: session ids, API keys, base64. UUIDs name things and stay readable. */
function holdsOpaque(text: string): boolean {
  return (text.match(RUN) ?? []).some((run) => !UUID.test(run) && run.split(/[-_]/).some(mixed))
}

/** A word of a slug (`release-2024-notes`) is letters or digits; a piece of a token is both, and long. */
function mixed(part: string): boolean {
  return part.length >= 8 && /\d/.test(part) && /[A-Za-z]/.test(part)
}
