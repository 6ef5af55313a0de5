/** Configurations as text and as files: the smallest valid one, its problems, and a mounted ConfigMap. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config/parse.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Env } from '../../src/config/problem.ts'
import type { GatewayConfig } from '../../src/core/model/config.ts'

export const BACKENDS = 'backends: { v1: { endpoints: [http://legacy:8000] }, v2: { endpoints: [http://rewrite:8000] } }'

/** Two lines of a valid configuration; `more` begins at line 3. */
export function configText(more = '', routes = '[{ name: rest }]'): string {
  return `${BACKENDS}\nroutes: ${routes}\n${more}`
}

export function parsed(text: string, env: Env = {}): GatewayConfig {
  const result = parseConfig(text, 'g.yaml', env)
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.config
}

/** Every problem as one line; empty when the text is valid. */
export function problemsOf(source: string | Uint8Array, env: Env = {}): string[] {
  const result = parseConfig(source, 'g.yaml', env)
  return result.ok ? [] : result.problems.map(formatProblem)
}

/** Every warning as one line; throws when the text is not valid. */
export function warningsOf(text: string, env: Env = {}): string[] {
  const result = parseConfig(text, 'g.yaml', env)
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.warnings.map(formatProblem)
}

export interface Folder {
  readonly path: string
  write(name: string, content: string | Uint8Array): void
  remove(): void
}

export function createFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'banyan-config-'))
  return {
    path,
    write: (name, content) => writeFileSync(join(path, name), content),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/**
 * A directory as the kubelet mounts a ConfigMap: the files are symlinks into `..data`, itself a symlink to a
 * directory of the version, and an update swaps `..data` by rename and removes the old version.
 */
export function createConfigMap(files: Readonly<Record<string, string>>): Folder & { swap(files: Readonly<Record<string, string>>): void } {
  const folder = createFolder()
  let version = 0
  const swap = (next: Readonly<Record<string, string>>): void => {
    const old = `..v${version}`
    const name = `..v${++version}`
    mkdirSync(join(folder.path, name))
    for (const [file, content] of Object.entries(next)) {
      writeFileSync(join(folder.path, name, file), content)
      if (version === 1) symlinkSync(join('..data', file), join(folder.path, file))
    }
    symlinkSync(name, join(folder.path, '..data_tmp'))
    renameSync(join(folder.path, '..data_tmp'), join(folder.path, '..data'))
    rmSync(join(folder.path, old), { recursive: true, force: true })
  }
  swap(files)
  return { ...folder, swap }
}
