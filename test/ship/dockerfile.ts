/** The Dockerfile and .dockerignore as data. Knows just the forms this project uses, and refuses others. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Step {
  readonly verb: string
  /** `--from=build` → from: build. */
  readonly flags: Readonly<Record<string, string>>
  readonly words: readonly string[]
  /** As written, without the verb. */
  readonly text: string
}

export interface Stage {
  readonly image: string
  readonly name: string
  readonly steps: readonly Step[]
}

const VERBS: readonly string[] = ['WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'CMD']

export function readDockerfile(file: string): Stage[] {
  const stages: { image: string; name: string; steps: Step[] }[] = []
  for (const line of logicalLines(readFileSync(file, 'utf8'))) {
    const [verb = '', ...rest] = line.split(/\s+/)
    if (verb === 'FROM') stages.push({ image: rest[0] ?? '', name: rest[1] === 'AS' ? (rest[2] ?? '') : 'final', steps: [] })
    else if (VERBS.includes(verb)) stages.at(-1)?.steps.push(stepOf(verb, rest, line))
    else throw new Error(`the Dockerfile says ${verb}, which the emulation does not know`)
  }
  return stages
}

function logicalLines(text: string): string[] {
  const lines = text.replace(/\\\n/g, ' ').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
}

function stepOf(verb: string, rest: readonly string[], line: string): Step {
  const isFlag = (word: string): boolean => verb === 'COPY' && word.startsWith('--')
  const flags = rest.filter(isFlag).map((word): [string, string] => {
    const [name = '', value = ''] = word.slice(2).split('=')
    return [name, value]
  })
  return { verb, flags: Object.fromEntries(flags), words: rest.filter((word) => !isFlag(word)), text: line.slice(verb.length).trim() }
}

/** What .dockerignore lets into the build's context: everything is shut out, and named paths are let in again. */
export function admittedPaths(file: string): string[] {
  const lines = logicalLines(readFileSync(file, 'utf8'))
  if (lines[0] !== '*') throw new Error('.dockerignore must begin with *: what is not named stays outside')
  return lines.slice(1).map((line) => {
    if (!/^![\w./-]+$/.test(line)) throw new Error(`.dockerignore says ${line}, which the emulation does not know`)
    return line.slice(1)
  })
}

/** Paths of all files below a folder, from it, but for what `skip` names at any depth. */
export function filesBelow(folder: string, skip: readonly string[] = []): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !skip.includes(name))
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name), skip).map((file) => join(entry.name, file)) : [entry.name],
    )
    .sort()
}
