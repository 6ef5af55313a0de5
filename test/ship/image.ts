/**
 * Builds the image without an engine: every step of the Dockerfile is done in a folder per stage.
 *
 * COPY and the compiler are real. `npm ci` is the lockfile's own selection copied from this checkout, so
 * that a package the program needs and the image omits is missing here too. Base images are not there;
 * the Node of the tests stands in for theirs.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { admittedPaths, readDockerfile } from './dockerfile.ts'
import type { Stage, Step } from './dockerfile.ts'
import { root } from './manifests.ts'

export interface Image {
  /** Folder that stands for `/` of the final stage. */
  readonly root: string
  /** Folder that stands for `/` of another stage. */
  readonly stage: (name: string) => string
  readonly final: Stage
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** What the build took from the context. */
  readonly copied: readonly string[]
}

export function buildImage(folder: string): Image {
  const stages = readDockerfile(join(root, 'Dockerfile'))
  const admitted = admittedPaths(join(root, '.dockerignore'))
  const copied: string[] = []
  for (const stage of stages) {
    let workdir = '/'
    const at = join(folder, stage.name)
    mkdirSync(at)
    for (const step of stage.steps) {
      if (step.verb === 'WORKDIR') workdir = step.text
      else if (step.verb === 'COPY') copied.push(...copy(step, { at, workdir, folder, admitted }))
      else if (step.verb === 'RUN') run(step, at, workdir)
      mkdirSync(join(at, workdir), { recursive: true })
    }
  }
  const final = stages.at(-1)
  if (final === undefined) throw new Error('the Dockerfile has no stage')
  return {
    root: join(folder, final.name),
    stage: (name) => join(folder, name),
    final,
    env: Object.fromEntries(all(final, 'ENV').map(({ text }) => text.split('=', 2) as [string, string])),
    command: JSON.parse(all(final, 'CMD').at(-1)?.text ?? '[]') as string[],
    copied,
  }
}

export function all(stage: Stage, verb: string): Step[] {
  return stage.steps.filter((step) => step.verb === verb)
}

interface Place {
  readonly at: string
  readonly workdir: string
  readonly folder: string
  readonly admitted: readonly string[]
}

/** Docker's rules: a folder's contents are copied, a file goes into what ends with a slash. */
function copy({ words, flags }: Step, { at, workdir, folder, admitted }: Place): string[] {
  const from = flags['from']
  const sources = words.slice(0, -1)
  const target = words.at(-1) ?? ''
  const into = join(at, resolve(workdir, target))
  if (sources.length > 1 && !target.endsWith('/')) throw new Error(`COPY of several files: ${target} must end with /`)
  for (const source of sources) {
    if (from === undefined && !admitted.some((path) => source === path || source.startsWith(`${path}/`)))
      throw new Error(`COPY ${source}: .dockerignore keeps it out`)
    const path = from === undefined ? join(root, source) : join(folder, from, source)
    const isFolder = statSync(path).isDirectory()
    const to = !isFolder && target.endsWith('/') ? join(into, basename(source)) : into
    mkdirSync(dirname(to), { recursive: true })
    cpSync(path, to, { recursive: true })
  }
  return from === undefined ? sources : []
}

function run({ text }: Step, at: string, workdir: string): void {
  const folder = join(at, workdir)
  const [program = '', ...args] = text.split(' ')
  if (text.startsWith('npm ci ')) install(folder, args.slice(1))
  else if (text.startsWith('mkdir /')) mkdirSync(join(at, args[0] ?? ''))
  else if (program === 'node_modules/.bin/tsc') compile(folder, args)
  else throw new Error(`RUN ${text}: the emulation does not know this`)
}

interface Locked {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly devOptional?: boolean
}

/** Names in the lockfile (`node_modules/a/node_modules/b`) of what npm would install with these flags. */
export function selected(lockfile: string, flags: readonly string[]): string[] {
  const { packages } = JSON.parse(readFileSync(lockfile, 'utf8')) as { packages: Readonly<Record<string, Locked>> }
  const dev = !flags.includes('--omit=dev')
  const optional = !flags.includes('--omit=optional')
  return Object.entries(packages)
    .filter(([path, locked]) => path !== '' && (dev || locked.dev !== true) && (optional || locked.optional !== true))
    .filter(([, locked]) => dev || optional || locked.devOptional !== true)
    .map(([path]) => path)
}

function install(folder: string, flags: readonly string[]): void {
  if (!flags.includes('--ignore-scripts')) throw new Error('npm ci must ignore install scripts')
  const lockfile = join(folder, 'package-lock.json')
  if (!existsSync(lockfile) || !existsSync(join(folder, 'package.json'))) throw new Error('npm ci needs package.json and its lockfile')
  if (!flags.some((flag) => flag.startsWith('--omit'))) return symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const path of selected(lockfile, flags)) {
    const source = join(root, path)
    // A binary of another platform is not installed here either.
    if (!existsSync(source)) continue
    cpSync(source, join(folder, path), { recursive: true, filter: (each) => each === source || basename(each) !== 'node_modules' })
  }
}

function compile(folder: string, args: readonly string[]): void {
  const compiler = join(folder, 'node_modules/typescript/bin/tsc')
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...args], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`tsc ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
}
