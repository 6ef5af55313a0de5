/** What the rules between values work on, and where they say what they found. */
import type { GatewayConfig } from '../core/model/config.ts'
import type { Path } from './problem.ts'
import type { Sound } from './sound.ts'
import { valueAt } from './tree.ts'

export interface Finding {
  readonly path: Path
  readonly message: string
}

export interface RuleView {
  readonly config: GatewayConfig
  /** Whether the operator wrote this, rather than taking a default. */
  isWritten(path: Path): boolean
  /** Whether what stands here is the operator's, not a stand-in for something faulty. */
  isKnown(path: Path): boolean
  readonly problems: Finding[]
  readonly warnings: Finding[]
}

export function createView(config: GatewayConfig, sound: Sound): RuleView {
  return {
    config,
    isWritten: (path) => valueAt(sound.tree, path) !== undefined,
    isKnown: (path) => !sound.doubtful.some((doubtful) => isWithin(path, doubtful) || isWithin(doubtful, path)),
    problems: [],
    warnings: [],
  }
}

export function isWithin(path: Path, outer: Path): boolean {
  return outer.every((step, index) => path[index] === step)
}
