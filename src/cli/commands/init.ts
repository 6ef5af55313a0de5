/** `banyan init --v1 URL --v2 URL`: a commented configuration to start from. Everything goes to v1 until somebody says otherwise. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { readEndpoint } from '../../config/endpoint.ts'
import { configPath } from '../../config/env.ts'
import { Wrong } from '../../config/field.ts'
import { jsonSchema, SCHEMA_TITLE } from '../../config/json-schema.ts'
import { EXIT_FAILED } from '../io.ts'
import type { CliIo } from '../io.ts'
import { usage } from '../session.ts'

interface InitOptions {
  readonly v1: string
  readonly v2: string
  readonly config?: string
  readonly force?: boolean
}

export function register(program: Command, io: CliIo): void {
  program
    .command('init')
    .description('write a commented configuration to start from')
    .requiredOption('--v1 <url>', 'the legacy API: http://host:port, https://host or unix:/path')
    .requiredOption('--v2 <url>', 'the rewrite')
    .option('--config <path>', 'file or directory to write to (env BANYAN_CONFIG, default config/)')
    .option('--force', 'overwrite a configuration that is there')
    .action((options: InitOptions) => init(options, io))
}

function init(options: InitOptions, io: CliIo): void {
  const v1 = urlOf(options.v1)
  const v2 = urlOf(options.v2)
  if (v1 instanceof Wrong) return io.exit(usage(io, `--v1: ${v1.message}`))
  if (v2 instanceof Wrong) return io.exit(usage(io, `--v2: ${v2.message}`))
  const path = configPath(options.config, io.env)
  const file = fileAt(resolve(io.cwd, path), path)
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, startingConfig(v1, v2), { flag: options.force === true ? 'w' : 'wx' })
    writeSchema(join(dirname(file), 'schema.json'))
  } catch (error) {
    io.stderr(`banyan: ${failureOf(error, file)}`)
    return io.exit(EXIT_FAILED)
  }
  io.stdout(`wrote ${file}`)
  io.stderr(`next: banyan check ${path} --online, then banyan serve --config ${path}`)
}

function urlOf(text: string): string | Wrong {
  const endpoint =
    readEndpoint(text) ?? new Wrong(`${JSON.stringify(text)} is not an endpoint; write http://host:port, https://host or unix:/path`)
  return endpoint instanceof Wrong ? endpoint : endpoint.url
}

/** What looks like neither a YAML file nor a file that is there is a directory. */
function fileAt(absolute: string, written: string): string {
  const isFile = existsSync(absolute) ? statSync(absolute).isFile() : /\.(?:ya?ml|json)$/.test(written)
  return isFile ? absolute : join(absolute, 'gateway.yaml')
}

function failureOf(error: unknown, file: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'EEXIST') return `${file} is there already; give --force to overwrite it, or --config for another place`
  return `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`
}

/** For editors, beside the file. Another tool's schema of that name is left alone. */
function writeSchema(file: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').includes(SCHEMA_TITLE)) return
  writeFileSync(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`)
}

/** A socket path may hold what YAML reads as structure. */
function scalar(url: string): string {
  return /^[A-Za-z0-9:/._[\]-]+$/.test(url) && !url.includes('[') ? url : JSON.stringify(url)
}

export function startingConfig(v1: string, v2: string): string {
  return `# yaml-language-server: $schema=./schema.json
# Only backends and one route are required; banyan check says what is wrong, at file:line:col.
listen: { port: 8080 } # clients come here
admin: { port: 9090 } # status, metrics and commands; from this machine only, until tokens are set
backends:
  v1: { endpoints: [${scalar(v1)}] } # the legacy API: answers whenever v2 does not
  v2: { endpoints: [${scalar(v2)}] } # the rewrite
sticky: [{ header: x-user-id }, { cookie: session }] # what a user is known by: the first that is present
routes: # the first that matches wins
  - name: reads
    match: { path: /**, methods: [GET] } # GET includes HEAD
    stage: off # off: all v1. Then shadow: v2 gets copies. canary: v2 gets its weight. complete: all v2
    weight: 0 # share of users that v2 serves in the stage canary, percent
  - name: rest # writes stay with v1
    match: { path: /** }
`
}
