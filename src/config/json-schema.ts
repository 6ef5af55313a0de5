/** The schema as editors read it (JSON Schema, draft 7), and the questions that `suggest.ts` asks of it. */
import { z } from 'zod'
import type { Path } from './problem.ts'
import { gatewaySchema } from './schema.ts'

interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly title?: string
}

let cached: Node | undefined

export function jsonSchema(): object {
  // `as`: of the schema's many keywords only those of Node are looked at here.
  cached ??= { ...z.toJSONSchema(gatewaySchema, { io: 'input', target: 'draft-7' }), title: SCHEMA_TITLE } as Node
  return cached
}

export const SCHEMA_TITLE = 'Banyan gateway configuration'

/** The keys a map at this path may have; null when no map belongs there. */
export function keysAt(path: Path): readonly string[] | null {
  let node: Node | undefined = jsonSchema()
  for (const step of path) {
    const parent: Node = structureOf(node)
    node = typeof step === 'number' ? parent.items : parent.properties?.[step]
    if (node === undefined) return null
  }
  const { properties } = structureOf(node)
  return properties === undefined ? null : Object.keys(properties)
}

let placesByKey: ReadonlyMap<string, readonly string[]> | undefined

/** Every place a key of this name belongs to: `listen.port`, `routes[].weight`; shallow ones first. */
export function placesOf(key: string): readonly string[] {
  placesByKey ??= indexPlaces()
  return placesByKey.get(key) ?? []
}

function indexPlaces(): Map<string, string[]> {
  const index = new Map<string, string[]>()
  let level: readonly (readonly [string, Node])[] = [['', jsonSchema()]]
  while (level.length > 0) {
    const next: (readonly [string, Node])[] = []
    for (const [place, node] of level) {
      const { properties = {}, items } = structureOf(node)
      if (items !== undefined) next.push([`${place}[]`, items])
      for (const [key, child] of Object.entries(properties)) {
        const at = place === '' ? key : `${place}.${key}`
        index.set(key, [...(index.get(key) ?? []), at])
        next.push([at, child])
      }
    }
    level = next
  }
  return index
}

/** The map or list among the forms a value may have (null and `${…}` are others). */
function structureOf(node: Node): Node {
  if (node.properties !== undefined || node.items !== undefined) return node
  for (const form of node.anyOf ?? []) {
    const structure = structureOf(form)
    if (structure !== form || form.properties !== undefined || form.items !== undefined) return structure
  }
  return node
}
