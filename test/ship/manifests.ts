/**
 * The manifests of `k8s/base` as data, and two offline judges of them.
 *
 * The schemas of kubernetes-models know formats (a quantity, an integer or a name) but take unknown keys
 * without a word, which is what a typing error becomes. Its types do not: an object literal with a key too
 * many does not compile. So every manifest is validated by the schema and compiled as a literal of its type.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Service } from 'kubernetes-models/v1/Service'
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import type { IStatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap'
import type { INamespace } from 'kubernetes-models/v1/Namespace'
import type { IService } from 'kubernetes-models/v1/Service'
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount'
import { parseAllDocuments } from 'yaml'

export const root = resolve(import.meta.dirname, '../..')
const base = join(root, 'k8s/base')
const KUSTOMIZATION = 'kustomization.yaml'

interface Kinds {
  readonly Namespace: INamespace
  readonly ServiceAccount: IServiceAccount
  readonly ConfigMap: IConfigMap
  readonly Service: IService
  readonly StatefulSet: IStatefulSet
}
type Kind = keyof Kinds

const MODELS = { Namespace, ServiceAccount, ConfigMap, Service, StatefulSet }

export interface Manifest {
  readonly file: string
  readonly kind: string
  readonly name: string
  readonly body: object
}

/** Files of the base but the kustomization itself. */
export const files: readonly string[] = readdirSync(base).filter((file) => file !== KUSTOMIZATION)

export const kustomization: unknown = documentsOf(KUSTOMIZATION)[0]

export const manifests: readonly Manifest[] = files.flatMap((file) =>
  documentsOf(file).map((body): Manifest => {
    const { kind, metadata } = body as { kind?: unknown; metadata?: { name?: unknown } }
    return { file, kind: String(kind), name: String(metadata?.name), body }
  }),
)

function documentsOf(file: string): object[] {
  return parseAllDocuments(readFileSync(join(base, file), 'utf8')).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors.map(({ message }) => message).join('; ')}`)
    return document.toJS() as object
  })
}

/** All of one kind; the tests of the schemas answer for the type. */
export function allOf<K extends Kind>(kind: K): Kinds[K][] {
  return manifests.filter((manifest) => manifest.kind === kind).map(({ body }) => body as Kinds[K])
}

export function onlyOf<K extends Kind>(kind: K): Kinds[K] {
  const [only, second] = allOf(kind)
  if (only === undefined || second !== undefined) throw new Error(`k8s/base must hold one ${kind}`)
  return only
}

/** What the schema of its kind says against it; null = nothing. */
export function schemaProblem({ kind, body }: Pick<Manifest, 'kind' | 'body'>): string | null {
  const model = Object.entries(MODELS).find(([name]) => name === kind)?.[1]
  if (model === undefined) return `no schema of the kind ${kind} is loaded: add it to MODELS`
  try {
    const create = model as new (data: object) => { validate(): void }
    new create(body).validate()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** What the compiler says against each, in the order given: lists of messages, empty = nothing. */
export function typeProblems(bodies: readonly object[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-manifests-'))
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    // One line each, so that a message's line says whose it is.
    writeFileSync(join(folder, 'manifests.ts'), bodies.map((body, index) => `${literalOf(body, index)}\n`).join(''))
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--pretty', 'false', '--types', '', '--target', 'es2024']
    const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const ran = spawnSync(process.execPath, [compiler, ...options, ...modules, 'manifests.ts'], { cwd: folder, encoding: 'utf8' })
    return sorted(bodies.length, ran)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function literalOf(body: object, index: number): string {
  const { apiVersion, kind } = body as { apiVersion?: unknown; kind?: unknown }
  const type = `import('kubernetes-models/${String(apiVersion)}').I${String(kind)}`
  return `export const manifest${index}: ${type} = ${JSON.stringify(body)}`
}

function sorted(count: number, { status, stdout, stderr }: { status: number | null; stdout: string; stderr: string }): string[][] {
  const found = Array.from({ length: count }, (): string[] => [])
  for (const line of stdout.split('\n')) {
    const match = /^manifests\.ts\((\d+),\d+\): error (.*)$/.exec(line)
    if (match !== null) found[Number(match[1]) - 1]?.push(match[2] ?? '')
  }
  // A compiler that did not run has said nothing against anybody.
  if (status !== 0 && found.every((messages) => messages.length === 0)) throw new Error(`the compiler failed: ${stdout}${stderr}`)
  return found
}
