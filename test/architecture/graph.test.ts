/** The rules of the import graph, read from the import lines themselves. */
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const src = join(root, 'src')
const SHELLS = ['proxy', 'compare', 'config', 'control', 'admin', 'notify', 'telemetry', 'supervisor']
const LIBRARIES = ['wire', 'ledger']
const MAX_LINES = 300

interface Source {
  /** Path from src, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

const sources = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => read(join(entry.parentPath, entry.name)))

function read(file: string): Source {
  const text = readFileSync(file, 'utf8')
  const specifiers = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\{[^}]*\}[^'"]*?)?from\s+'([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  const imports = specifiers.map((name) => (name.startsWith('.') ? relative(src, resolve(dirname(file), name)) : name))
  return { path: relative(src, file), text, imports }
}

function folder(path: string): string {
  return path.split('/')[0] ?? ''
}

function isLocal(name: string): boolean {
  return name.endsWith('.ts')
}

/** Lines `file -> import` of the sources in `from` whose import breaks the rule. */
function offenders(from: readonly string[], allowed: (name: string, of: string) => boolean): string[] {
  return sources
    .filter((source) => from.includes(folder(source.path)))
    .flatMap((source) => source.imports.filter((name) => !allowed(name, folder(source.path))).map((name) => `${source.path} -> ${name}`))
}

describe('the import graph', () => {
  it('is read: there are sources, and they import', () => {
    expect(sources.length).toBeGreaterThan(50)
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(200)
  })

  it('core imports only core', () => {
    expect(offenders(['core'], (name) => isLocal(name) && folder(name) === 'core')).toEqual([])
  })

  it('core has no clock, no random, no process, no timer', () => {
    const banned = /\b(?:Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|setImmediate|performance\.)/
    const found = sources
      .filter((source) => folder(source.path) === 'core')
      .flatMap((source) =>
        codeLines(source.text)
          .filter((line) => banned.test(line))
          .map((line) => `${source.path}: ${line.trim()}`),
      )
    expect(found).toEqual([])
  })

  it('wire and ledger import only core, themselves and node', () => {
    expect(offenders(LIBRARIES, (name, of) => name.startsWith('node:') || (isLocal(name) && [of, 'core'].includes(folder(name))))).toEqual(
      [],
    )
  })

  it('shells do not import one another', () => {
    expect(offenders(SHELLS, (name, of) => !isLocal(name) || [of, 'core', ...LIBRARIES].includes(folder(name)))).toEqual([])
  })

  it('nobody imports a composition root', () => {
    const found = sources.flatMap((source) =>
      source.imports.filter((name) => isLocal(name) && folder(name) === 'threads').map((name) => `${source.path} -> ${name}`),
    )
    expect(found).toEqual([])
  })

  it('has no cycles, types included', () => {
    expect(cycles()).toEqual([])
  })

  it(`has no file over ${MAX_LINES} lines, in src or test`, () => {
    const tests = readdirSync(join(root, 'test'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => read(join(entry.parentPath, entry.name)))
    const long = [...sources, ...tests]
      .map((source) => ({ path: source.path, lines: source.text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES)
    expect(long).toEqual([])
  })
})

function codeLines(text: string): string[] {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .map((line) => line.replace(/\/\/.*$/, ''))
}

function cycles(): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      return
    }
    state.set(path, 'open')
    for (const name of byPath.get(path)?.imports ?? []) if (isLocal(name)) visit(name, [...trail, path])
    state.set(path, 'done')
  }
  for (const { path } of sources) visit(path, [])
  return found
}
