/** What the story claims: each claim is measured in this run, and the demo fails if one is not true. */
import type { Screen } from './screen.ts'

export interface Claims {
  /** Says it, with its numbers, and remembers whether it held. */
  check(text: string, holds: boolean): void
  readonly made: number
  readonly broken: readonly string[]
}

export function createClaims(screen: Pick<Screen, 'verdict'>): Claims {
  const broken: string[] = []
  let made = 0
  return {
    check: (text, holds) => {
      made++
      if (!holds) broken.push(text)
      screen.verdict(text, holds)
    },
    get made() {
      return made
    },
    get broken() {
      return broken
    },
  }
}
