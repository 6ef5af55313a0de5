import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadResult } from '../../src/config/load.ts'
import { watchConfig } from '../../src/config/watch.ts'
import type { ConfigWatch } from '../../src/config/watch.ts'
import { configText, createConfigMap, createFolder } from '../support/config-files.ts'
import type { Folder } from '../support/config-files.ts'

/** The promise of the contract, and how long silence must last before it counts as silence. */
const LIVE_MS = 2_500
const SILENCE_MS = 900

let folder: Folder
let watching: ConfigWatch | null = null
const seen: LoadResult[] = []

beforeEach(() => {
  seen.length = 0
  folder = createFolder()
  folder.write('gateway.yaml', named('first'))
})
afterEach(() => {
  watching?.close()
  watching = null
  folder.remove()
})

const named = (name: string): string => configText(`name: ${name}\n`)
const start = (path = folder.path, options = {}): void => void (watching = watchConfig(path, {}, (result) => seen.push(result), options))
const said = (result: LoadResult): string => (result.ok ? `${result.config.name} ${result.ceiling.file ?? '-'}` : 'invalid')

/** Waits until the watcher has said as much, and no longer than the contract allows. */
async function says(...expected: string[]): Promise<void> {
  const deadline = performance.now() + LIVE_MS
  while (seen.length < expected.length && performance.now() < deadline) await sleep(10)
  expect(seen.map(said)).toEqual(expected)
}

async function staysSilent(count: number): Promise<void> {
  await sleep(SILENCE_MS)
  expect(seen).toHaveLength(count)
}

describe('a watched directory', () => {
  it('says nothing while nothing changes, nor when a file is touched or rewritten with the same content', async () => {
    start()
    folder.write('gateway.yaml', named('first'))
    folder.write('README', 'not ours')
    await staysSilent(0)
  })

  it('tells of every later save, not only the first', async () => {
    start()
    for (const name of ['second', 'third', 'fourth']) {
      folder.write('gateway.yaml', named(name))
      await says(...['second', 'third', 'fourth'].slice(0, ['second', 'third', 'fourth'].indexOf(name) + 1).map((each) => `${each} -`))
    }
  })

  it('follows editors that write beside and rename', async () => {
    start()
    for (const [index, name] of ['second', 'third'].entries()) {
      folder.write('.gateway.yaml.swp', named(name))
      renameSync(join(folder.path, 'gateway.yaml'), join(folder.path, 'gateway.yaml~'))
      renameSync(join(folder.path, '.gateway.yaml.swp'), join(folder.path, 'gateway.yaml'))
      await says(...['second -', 'third -'].slice(0, index + 1))
    }
  })

  it('tells of a ceiling that comes, changes and goes', async () => {
    start()
    folder.write('v2_traffic_percentage', '10')
    await says('first 10')
    folder.write('v2_traffic_percentage', '0\n')
    await says('first 10', 'first 0')
    rmSync(join(folder.path, 'v2_traffic_percentage'))
    await says('first 10', 'first 0', 'first -')
  })

  it('does not report a write it caught in the middle', async () => {
    start()
    const text = named('second')
    folder.write('gateway.yaml', text.slice(0, 40))
    await sleep(40)
    appendFileSync(join(folder.path, 'gateway.yaml'), text.slice(40))
    await says('second -')
    folder.write('gateway.yaml', '')
    await sleep(100)
    folder.write('gateway.yaml', named('third'))
    await says('second -', 'third -')
    await staysSilent(2)
  })

  it('does not take half a file for a whole one, even if it is valid', async () => {
    const routes = Array.from({ length: 50 }, (_, i) => `  - { name: r${i}, match: { path: /r${i} } }\n`)
    const head = configText().replace(/routes:.*\n/, 'routes:\n')
    folder.write('gateway.yaml', head + routes.join(''))
    start()
    folder.write('gateway.yaml', head + routes.slice(0, 10).join(''))
    await sleep(30)
    appendFileSync(join(folder.path, 'gateway.yaml'), `${routes.slice(10).join('')}  - { name: last }\n`)
    await says('banyan -')
    expect(seen.map((result) => result.ok && result.config.routes.length)).toEqual([51])
  })

  it('reports a faulty content once, and goes on', async () => {
    start()
    folder.write('gateway.yaml', 'broken: [')
    await says('invalid')
    await staysSilent(1)
    folder.write('gateway.yaml', '')
    await says('invalid', 'invalid')
    folder.write('gateway.yaml', named('second'))
    await says('invalid', 'invalid', 'second -')
  })

  it('reports a content again when it comes back after another', async () => {
    start()
    folder.write('gateway.yaml', 'broken')
    await says('invalid')
    folder.write('gateway.yaml', named('first'))
    await says('invalid', 'first -')
  })

  it('outlives a deleted and an oversized file', async () => {
    start()
    rmSync(join(folder.path, 'gateway.yaml'))
    await says('invalid')
    folder.write('gateway.yaml', `#${'x'.repeat(1_100_000)}`)
    await says('invalid', 'invalid')
    appendFileSync(join(folder.path, 'gateway.yaml'), 'x')
    await staysSilent(2)
    folder.write('gateway.yaml', named('second'))
    await says('invalid', 'invalid', 'second -')
  })

  it('outlives its own removal', async () => {
    start()
    rmSync(folder.path, { recursive: true })
    await says('invalid')
    mkdirSync(folder.path)
    folder.write('gateway.yaml', named('second'))
    await says('invalid', 'second -')
    folder.write('gateway.yaml', named('third'))
    await says('invalid', 'second -', 'third -')
  })

  it('may come only later', async () => {
    const later = join(folder.path, 'later')
    start(`${later}/`)
    mkdirSync(later)
    folder.write('later/gateway.yaml', named('second'))
    await says('second -')
  })

  it('believes a file that never comes to rest, when it is valid', async () => {
    start()
    const deadline = performance.now() + LIVE_MS
    for (let i = 0; seen.length === 0 && performance.now() < deadline; i++) {
      folder.write('gateway.yaml', named(`restless-${i}`))
      await sleep(25)
    }
    expect(seen[0]?.ok).toBe(true)
  })

  it('tells what changed since the caller read it', async () => {
    const before = loadConfig(folder.path, {})
    folder.write('gateway.yaml', named('second'))
    start(folder.path, { seen: before.fingerprint })
    await says('second -')
  })

  it('says nothing more once closed', async () => {
    start()
    folder.write('gateway.yaml', named('second'))
    watching?.close()
    await staysSilent(0)
  })

  it('lets its process end once closed', () => {
    const script = `
      const { watchConfig } = await import(${JSON.stringify(new URL('../../src/config/watch.ts', import.meta.url).href)})
      const watching = watchConfig(${JSON.stringify(folder.path)}, {}, (result) => {
        watching.close()
        console.log(result.config.name)
      }, { seen: 'nothing' })`
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 })
    expect(ended).toMatchObject({ status: 0, signal: null, stdout: 'first\n' })
  })
})

describe('a watched file', () => {
  it('is followed through saves and renames', async () => {
    folder.write('my.yaml', named('first'))
    start(join(folder.path, 'my.yaml'))
    folder.write('my.yaml', named('second'))
    await says('second -')
    folder.write('tmp', named('third'))
    renameSync(join(folder.path, 'tmp'), join(folder.path, 'my.yaml'))
    await says('second -', 'third -')
  })

  it('is followed through a symlink to another directory, by the poll alone', async () => {
    mkdirSync(join(folder.path, 'elsewhere'))
    folder.write('elsewhere/real.yaml', named('first'))
    symlinkSync('elsewhere/real.yaml', join(folder.path, 'my.yaml'))
    start(join(folder.path, 'my.yaml'))
    folder.write('elsewhere/real.yaml', named('second'))
    await says('second -')
  })
})

describe('a mounted ConfigMap', () => {
  it('is followed through many swaps, whole each time', async () => {
    const mount = createConfigMap({ 'gateway.yaml': named('v0'), v2_traffic_percentage: '0' })
    start(mount.path)
    const expected: string[] = []
    for (let i = 1; i <= 8; i++) {
      const isFaulty = i % 3 === 0
      mount.swap({ 'gateway.yaml': isFaulty ? `name: [v${i}` : named(`v${i}`), v2_traffic_percentage: String(i) })
      expected.push(isFaulty ? 'invalid' : `v${i} ${i}`)
      await says(...expected)
    }
    mount.remove()
  })

  it('is followed also when the path is the file in it', async () => {
    const mount = createConfigMap({ 'gateway.yaml': named('v0') })
    start(join(mount.path, 'gateway.yaml'))
    mount.swap({ 'gateway.yaml': named('v1') })
    await says('v1 -')
    mount.swap({ 'gateway.yaml': named('v2') })
    await says('v1 -', 'v2 -')
    mount.remove()
  })
})
