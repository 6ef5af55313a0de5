/** Every way to misspell one key of a document, for proving that a validator notices. */

/** Maps whose keys are the operator's own: there a wrong word is no typing error that a schema could know. */
const FREE: readonly string[] = ['labels', 'annotations', 'matchLabels', 'selector', 'data', 'limits', 'requests']

export interface Typo {
  /** `spec.template.spec.containers.0.image` */
  readonly path: string
  readonly body: object
}

/** The document once for each of its keys, with that key misspelt. */
export function typosOf(body: object): Typo[] {
  return keyPaths(body, []).map((path) => ({ path: path.join('.'), body: misspelt(body, path) as object }))
}

function keyPaths(value: unknown, above: readonly string[]): string[][] {
  if (value === null || typeof value !== 'object') return []
  const isList = Array.isArray(value)
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = [...above, key]
    const free = FREE.includes(key) && !isTyped(inner)
    return [...(isList ? [] : [path]), ...(free ? [] : keyPaths(inner, path))]
  })
}

/** A StatefulSet's `selector` is a structure, a Service's is a free map. */
function isTyped(value: unknown): boolean {
  return value !== null && typeof value === 'object' && 'matchLabels' in value
}

function misspelt(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path
  if (Array.isArray(value)) return value.map((item: unknown, index) => (String(index) === key ? misspelt(item, rest) : item))
  return Object.fromEntries(
    Object.entries(value as object).map(([name, inner]: [string, unknown]) => {
      if (name !== key) return [name, inner]
      return rest.length === 0 ? [`${name}x`, inner] : [name, misspelt(inner, rest)]
    }),
  )
}
