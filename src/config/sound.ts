/**
 * A document without its faults: what is wrong is taken out or stood in for, so that the rest can be checked too.
 *
 * Operators get every problem at once, also the ones between values (a name given twice) when some other value
 * is misspelt. What was taken out is `doubtful`: no rule says anything about it.
 */
import type { z } from 'zod'
import type { Issue } from './issues.ts'
import type { Path } from './problem.ts'
import { gatewaySchema } from './schema.ts'
import { emptyTree, isTree, valueAt } from './tree.ts'
import type { Tree } from './tree.ts'

export interface Sound {
  readonly tree: Tree
  readonly settings: z.output<typeof gatewaySchema>
  readonly doubtful: readonly Path[]
}

/** Null when even the stand-ins do not make a configuration: the given issues must do. */
export function withoutFaults(tree: Tree, issues: readonly Issue[], unknown: readonly Path[]): Sound | null {
  const doubtful = [...issues.map(({ path }) => path), ...unknown].map(standInPath)
  const root: Record<string, unknown> = Object.assign(emptyTree(), tree)
  root['routes'] = routesOf(tree['routes'])
  root['defaults'] = Object.assign(emptyTree(), isTree(tree['defaults']) ? tree['defaults'] : {})
  for (const { path } of issues) takeOut(root, path)
  for (const path of unknown) takeOut(root, path)
  const parsed = gatewaySchema.safeParse(root)
  return parsed.success ? { tree: root, settings: parsed.data, doubtful } : null
}

/** How much of the document a fault at this path makes doubtful: a setting of a route, or a section. */
function standInPath(path: Path): Path {
  if (path[0] === 'routes') return path.slice(0, 3)
  return path.slice(0, path[0] === 'defaults' ? 2 : 1)
}

function routesOf(raw: unknown): unknown[] {
  if (!Array.isArray(raw) || raw.length === 0) return [standInRoute(0)]
  return raw.map((route: unknown, index) => (isTree(route) ? Object.assign(emptyTree(), route) : standInRoute(index)))
}

/** Matches nothing a real route could be meant for. */
function standInRoute(index: number): Tree {
  return { name: `stand-in-${index}`, match: standInMatch(index) }
}

function standInMatch(index: number): Tree {
  return { path: `/stand-in-${index}` }
}

function takeOut(root: Record<string, unknown>, [section, index, key]: Path): void {
  const holder =
    section === 'defaults' ? root['defaults'] : section === 'routes' && index !== undefined ? valueAt(root, ['routes', index]) : root
  const name = section === 'defaults' ? index : section === 'routes' ? key : section
  // A list or a text where a map belongs went with the issue about itself.
  if (typeof name !== 'string' || !isTree(holder)) return
  // `as`: the map is one of the copies made above.
  const map = holder as Record<string, unknown>
  if (section === 'backends') map[name] = STAND_IN_BACKENDS
  else if (section === 'routes' && name === 'name') map[name] = `stand-in-${index}`
  else if (section === 'routes' && name === 'match') map[name] = standInMatch(Number(index))
  else delete map[name]
}

const STAND_IN_BACKENDS = { v1: { endpoints: ['http://stand-in'] }, v2: { endpoints: ['http://stand-in'] } }
