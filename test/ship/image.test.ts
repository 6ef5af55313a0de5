/** The image and the npm package, built as their recipes say and started from what was built alone. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { TOKEN, container, pod } from './base.ts'
import { admittedPaths, filesBelow } from './dockerfile.ts'
import { all, buildImage, selected } from './image.ts'
import type { Image } from './image.ts'
import { root } from './manifests.ts'
import { startBuilt } from './started.ts'

interface PackageJson {
  readonly version: string
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson
const folder = mkdtempSync(join(tmpdir(), 'banyan-image-'))
let image: Image

beforeAll(() => {
  image = buildImage(folder)
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the image', () => {
  test('holds what was built, what it needs to run, and nothing else', () => {
    const files = filesBelow(join(image.root, 'app'), ['node_modules'])
    expect(files.filter((file) => !file.startsWith('dist/'))).toEqual(['LICENSE', 'bin/banyan.js', 'bin/pinned-node.js', 'package.json'])
    expect(files.filter(isSource)).toEqual([])
    expect(files).toContain('dist/main.js')
  })

  test('has the packages of production, none for development and none that brings a Node', () => {
    const has = (name: string): boolean => existsSync(join(image.root, 'app/node_modules', name))
    expect(Object.keys(manifest.dependencies).filter((name) => !has(name))).toEqual([])
    expect(Object.keys({ ...manifest.devDependencies, ...manifest.optionalDependencies }).filter(has)).toEqual([])
  })

  test('the compiler is an optional package, so the stage that compiles may not omit those', () => {
    const lockfile = join(root, 'package-lock.json')
    const compilers = (flags: readonly string[]): string[] => selected(lockfile, flags).filter((path) => path.includes('/@typescript/'))
    expect(compilers([]).length).toBeGreaterThan(0)
    expect(compilers(['--omit=optional'])).toEqual([])
  })

  test('the context lets in what the Dockerfile copies and nothing more', () => {
    expect([...new Set(image.copied)].sort()).toEqual(admittedPaths(join(root, '.dockerignore')).sort())
  })

  test('is distroless with Node 24, and its user owns nothing but the store', () => {
    expect(image.final.image).toBe('gcr.io/distroless/nodejs24-debian12:nonroot')
    const owned = all(image.final, 'COPY').filter(({ flags }) => flags['chown'] !== undefined)
    expect(owned.map(({ words }) => words.at(-1))).toEqual(['/data'])
    expect(owned[0]?.flags['chown']).toBe(`${pod.securityContext?.runAsUser}:${pod.securityContext?.fsGroup}`)
    // Nothing in the last stage could be run: there is no shell.
    expect(all(image.final, 'RUN')).toEqual([])
  })

  test('serves from what was built alone, answers the probes of the manifests, and ends on SIGTERM with 0', async () => {
    const backend = createServer((_req, res) => res.end('from v1'))
    const gateway = await startBuilt(image, await portOf(backend))
    const before = filesBelow(image.root, ['node_modules', 'data'])
    try {
      for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
        await until(`${probe?.httpGet?.path} is 200`, async () => (await fetch(`${gateway.admin}${probe?.httpGet?.path}`)).ok)
      expect(await (await fetch(`${gateway.data}/some/path`)).text()).toBe('from v1')
      expect((await fetch(`${gateway.admin}/api/v1/status`)).status).toBe(401)
      const status = await fetch(`${gateway.admin}/api/v1/status`, { headers: { authorization: `Bearer ${TOKEN}` } })
      expect(await status.json()).toMatchObject({ version: manifest.version, ceiling: { percent: 100 }, store: { up: true } })
    } finally {
      expect(await gateway.stop()).toBe(0)
      backend.close()
    }
    // The root file system is read-only in the pod: only the store's folder may have changed.
    expect(filesBelow(image.root, ['node_modules', 'data'])).toEqual(before)
    expect(filesBelow(join(image.root, 'data')).length).toBeGreaterThan(0)
  }, 60_000)
})

describe('the npm package', () => {
  let unpacked: string

  beforeAll(() => {
    const source = join(folder, 'package')
    mkdirSync(source)
    for (const name of ['package.json', ...manifest.files.filter((each) => each !== 'dist')])
      if (existsSync(join(root, name))) cpSync(join(root, name), join(source, name), { recursive: true })
    renameSync(join(image.stage('build'), 'app/dist'), join(source, 'dist'))
    const args = ['pack', '--ignore-scripts', '--json', '--silent', '--pack-destination', folder]
    const [packed] = JSON.parse(execFileSync('npm', args, { cwd: source, encoding: 'utf8' })) as { filename: string }[]
    unpacked = join(folder, 'unpacked')
    mkdirSync(unpacked)
    execFileSync('tar', ['-xzf', join(folder, packed?.filename ?? ''), '-C', unpacked, '--strip-components=1'])
  }, 60_000)

  test('publint has nothing to say against it', async () => {
    const { messages, pkg } = await publint({ pkgDir: unpacked, level: 'suggestion', strict: true, pack: false })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test('every name under files is there, and no source, test or bench is', () => {
    const files = filesBelow(unpacked)
    for (const name of manifest.files)
      expect(
        files.some((file) => file === name || file.startsWith(`${name}/`)),
        name,
      ).toBe(true)
    expect(files.filter((file) => isSource(file) || /^(?:src|test|bench|k8s)\//.test(file))).toEqual([])
  })

  test('its program runs without the sources', () => {
    symlinkSync(join(image.root, 'app/node_modules'), join(unpacked, 'node_modules'))
    const said = execFileSync(process.execPath, [join(unpacked, 'bin/banyan.js'), '--version'], { encoding: 'utf8' })
    expect(said.trim()).toBe(manifest.version)
    const checked = execFileSync(process.execPath, [join(unpacked, 'bin/banyan.js'), 'check', join(unpacked, 'config/')], {
      encoding: 'utf8',
    })
    expect(checked).toMatch(/^ok$/m)
  })
})

function isSource(file: string): boolean {
  return file.endsWith('.ts') && !file.endsWith('.d.ts')
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
