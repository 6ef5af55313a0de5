import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createMemorySource } from '../admin/memory-source.ts'
import { startAdmin } from '../admin/support.ts'
import { createPaint } from '../../src/cli/terminal.ts'
import { SCRIPT, run } from './support.ts'

test('status is an aligned table with everything that decides about a route', async () => {
  const { url, source } = await startAdmin()
  source.set({
    patchRoute: (route) =>
      route.name === 'orders'
        ? {
            ...route,
            shadow: { sent: 12_345, dropped: { queue: 3, lag: 1 } },
            comparisons: { match: 100, mismatch: 2, ignored: 0, incomparable: 0 },
            verdict: { kind: 'healthy', reason: 'v2 failed 1 of 500', at: 0, numbers: {} },
          }
        : route,
  })
  const { code, out, err } = await run(['status', '--admin', url])
  expect([code, err]).toEqual([0, ''])
  const [headline, , head, orders, ...rest] = out.split('\n')
  expect(headline).toBe('banyan 1.0.0  revision 1  v1 up  v2 up  store (local) up  threads 2/2  config config/')
  expect(head).toMatch(/^ROUTE +STAGE +CONFIGURED +WANTED +EFFECTIVE +HELD BY +SHADOW +COMPARISONS +VERDICT$/)
  expect(orders).toMatch(
    /^orders +canary +10 % +10 % +10 % +- +12,345 sent, 4 dropped +100 match, 2 mismatch +healthy: v2 failed 1 of 500$/,
  )
  expect(rest).toHaveLength(2)
  for (const title of ['STAGE', 'HELD BY', 'SHADOW', 'VERDICT']) {
    const column = head!.indexOf(title)
    for (const line of [orders!, ...rest]) expect(line.slice(column - 2, column), `${title}: ${line}`).toBe('  ')
  }
})

test('status exits 3 and says what is wrong, and what to do', async () => {
  const { url, source } = await startAdmin()
  await run(['rollback', 'orders', '--reason', 'too many errors', '--admin', url])
  const tripped = await run(['status', '--admin', url])
  expect(tripped.code).toBe(3)
  expect(tripped.out).toMatch(/orders +canary +10 % +0 % +0 % +latch/)
  expect(tripped.out).toContain(
    'orders tripped at 2026-03-01T12:00:00.000Z (rollback): too many errors; `banyan rearm orders --reason "…"` ends it',
  )
  await run(['rollback', '--all', '--admin', url])
  expect((await run(['status', '--admin', url])).out).toContain('killed: the global latch')
  source.set({
    patch: {
      degraded: true,
      problems: ['the store cannot be written: disk full'],
      store: { kind: 'local', up: false },
      backends: { v1: { up: true, why: null }, v2: { up: false, why: 'connect ECONNREFUSED' } },
      ceiling: { percent: 0, source: 'file', env: null, file: 0, redis: null },
      config: { path: 'config/', hash: 'h', loadedAt: '', lastError: ['gateway.yaml:3:1: routes: missing'] },
      threads: { data: 2, up: 1, compare: false },
    },
  })
  const { out } = await run(['status', '--admin', url])
  for (const part of [
    'v2 DOWN',
    'v2 is down: connect ECONNREFUSED',
    'degraded: the store cannot be written: disk full',
    'config not taken over: gateway.yaml:3:1',
    'ceiling: file',
    'threads 1/2, compare down',
  ]) {
    expect(out).toContain(part)
  }
})

test('each thing that is wrong is enough for exit 3', async () => {
  const { url, source } = await startAdmin()
  const up = { up: true, why: null }
  for (const patch of [
    { degraded: true },
    { store: { kind: 'local', up: false } },
    { backends: { v1: { up: false, why: null }, v2: up } },
    { killed: true },
    { routes: [{ ...source.status().routes[0]!, verdict: { kind: 'regression', reason: 'v2 failed 9 of 41', at: 0, numbers: {} } }] },
  ] as const) {
    source.set({ patch })
    expect((await run(['status', '--admin', url])).code, JSON.stringify(patch)).toBe(3)
  }
  source.set({ patch: {} })
  expect((await run(['status', '--admin', url])).code).toBe(0)
})

test('status --json is the answer of the API; the exit code stays', async () => {
  const { url, send } = await startAdmin()
  await run(['rollback', 'orders', '--admin', url])
  const ran = await run(['status', '--json', '--admin', url])
  expect(JSON.parse(ran.out)).toEqual((await send('GET', '/api/v1/status')).json)
  expect(ran.code).toBe(3)
})

test('text from outside cannot steer the terminal', async () => {
  const { url, source } = await startAdmin()
  source.set({
    patchRoute: (route) => ({ ...route, name: `\u001b[2J${route.name}`, verdict: { ...route.verdict, reason: 'a\r\nb\u009b31m' } }),
  })
  const { out } = await run(['status', '--admin', url])
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test('colours only where they are wanted, and they do not move the columns', async () => {
  const { url } = await startAdmin()
  const plain = (await run(['status', '--admin', url])).out
  const coloured = (await run(['status', '--admin', url], { terminal: { ...SCRIPT, paint: createPaint(true) } })).out
  expect(coloured).not.toBe(plain)
  // eslint-disable-next-line no-control-regex
  expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain)
})

test('status -w and top show as often as they are told', async () => {
  const { url, source } = await startAdmin()
  let clock = 0
  source.set({ patchRoute: (route) => ({ ...route, requests: { v1: (clock += 90), v2: 10 }, failures: { v1: 0, v2: 0 } }) })
  const watched = await run(['status', '-w', '-n', '3', '--interval', '100ms', '--admin', url], {
    terminal: { ...SCRIPT, clear: '<clear>' },
  })
  expect(watched.out.split('<clear>')).toHaveLength(4)
  const top = await run(['top', '-n', '2', '--interval', '100ms', '--admin', url])
  const [first, second] = top.out.split('banyan 1.0.0').slice(1)
  expect(first).toMatch(/orders +canary +10 % +- +- +- +- +░{20} +insufficient/)
  expect(second).toMatch(/orders +canary +10 % +[1-9][\d.]* +0\.0 +0\.0 +0\.0/)
  expect(JSON.parse((await run(['top', '-n', '1', '--json', '--admin', url])).out)).toMatchObject({ routes: [{ name: 'orders' }, {}, {}] })
  for (const args of [
    ['top', '--interval', 'fast'],
    ['top', '--interval', '1ms'],
    ['status', '-w', '-n', '0'],
  ]) {
    expect((await run([...args, '--admin', url])).code).toBe(2)
  }
})

test('a counter that began anew shows no negative rate', async () => {
  const { ratesOf } = await import('../../src/cli/commands/top.ts')
  const [route] = createMemorySource().status().routes
  const look = (at: number, v1: number) => ({
    at,
    status: { ...createMemorySource().status(), routes: [{ ...route!, requests: { v1, v2: 0 } }] },
  })
  const rates = ratesOf({ ...route!, requests: { v1: 5, v2: 0 } }, look(2_000, 5), look(1_000, 900))
  expect(rates.requests).toEqual({ v1: null, v2: 0 })
})

test('explain tells backend, rule, key, bucket and threshold', async () => {
  const { url } = await startAdmin()
  const ran = await run(['explain', 'orders', '--header', 'x-user-id: alice', '--admin', url])
  expect(ran.code).toBe(0)
  expect(ran.out).toMatch(/^v[12] {2}rule bucket {2}route orders {2}stage canary\nThe key from header x-user-id falls in bucket \d+/)
  expect(ran.out).toContain('v2 gets buckets below 1000 of 10000 (10 %)')
  const keyless = await run(['explain', '--path', '/api/orders/7', '--cookie', 'a=b', '--admin', url])
  expect(keyless.out).toContain('no sticky key in this request')
  expect(JSON.parse((await run(['explain', 'orders', '--json', '--admin', url])).out)).toMatchObject({ rule: 'no-key' })
  expect((await run(['explain', 'orders', '--header', 'nocolon', '--admin', url])).code).toBe(2)
  expect((await run(['explain', 'nowhere', '--admin', url])).code).toBe(1)
  expect((await run(['explain', '--admin', url])).code).toBe(2)
  expect((await run(['explain', 'orders', '--at', '2026-01-01', '--admin', url])).err).toContain('later version')
})

test('diffs lists findings and exits 3 while a regression is among them', async () => {
  const { url, source } = await startAdmin()
  const ran = await run(['diffs', '--admin', url])
  expect(ran.code).toBe(3)
  expect(ran.out).toMatch(/orders +GET \/api\/orders\/:id +\/items\/\*\/price +value +regression +12 +800 +0\.8-2\.6 % +s1/)
  expect(JSON.parse((await run(['diffs', 'orders', '--json', '--admin', url])).out)).toMatchObject({ findings: [{ id: 'f1' }] })
  source.set({ findings: [] })
  expect(await run(['diffs', '--admin', url])).toEqual({ code: 0, out: '', err: 'no differences found' })
  expect((await run(['diffs', 'accept', 'f1', '--admin', url])).err).toContain('later version')
  expect((await run(['diffs', '--export', '--admin', url])).err).toContain('later version')
  expect((await run(['diffs', 'nowhere', '--admin', url])).code).toBe(1)
})

test('sample shows a pair with its differences first', async () => {
  const { url } = await startAdmin()
  const { code, out } = await run(['sample', 's1', '--admin', url])
  expect(code).toBe(0)
  expect(out).toMatch(/^GET \/api\/orders\/7 {2}route orders/)
  expect(out).toMatch(/\/price +type +10 +"10"/)
  expect(out.indexOf('v1  200')).toBeLessThan(out.indexOf('v2  200'))
  expect(out).toContain('{"price":"10"}')
  expect((await run(['sample', 'gone', '--admin', url])).err).toContain('there is no sample "gone"')
  expect(JSON.parse((await run(['sample', 's1', '--json', '--admin', url])).out)).toMatchObject({ id: 's1' })
})

test('audit shows who did what and why, newest last', async () => {
  const { url } = await startAdmin()
  expect(await run(['audit', '--admin', url])).toMatchObject({ code: 0, out: '', err: 'nothing has been changed' })
  await run(['weight', 'orders', '5', '--admin', url])
  await run(['rollback', 'orders', '--reason', 'fire', '--admin', url])
  const { out } = await run(['audit', '--admin', url])
  const lines = out.split('\n')
  expect(lines[1]).toMatch(/ 2 {2}local +weight +orders +canary 10 % +canary 5 %$/)
  expect(lines[2]).toMatch(/ 3 {2}local +rollback +orders .* fire$/)
  expect((await run(['audit', '--limit', '1', '--json', '--admin', url])).out).toContain('"rollback"')
  expect((await run(['audit', '--since', 'yesterday', '--admin', url])).code).toBe(2)
})

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'banyan-plan-'))
  folders.push(made)
  return made
}

test('plan posts a file or a folder and shows route by route what would change', async () => {
  const source = createMemorySource()
  const side = (stage: 'canary' | 'shadow', wanted: number, effective = wanted) =>
    ({ stage, weight: { configured: wanted, wanted, effective, heldBy: effective === wanted ? 'none' : 'ceiling' } }) as const
  const planned = {
    ...source,
    plan: () => ({
      from: 'a',
      to: 'b',
      routes: [
        { name: 'orders', change: 'changed', before: side('canary', 10), after: side('canary', 25, 20), moves: 10, backToV1: 0 },
        { name: 'carts', change: 'added', before: null, after: side('shadow', 0), moves: 0, backToV1: null },
        { name: 'old', change: 'removed', before: side('canary', 50), after: null, moves: 50, backToV1: 1_200 },
        { name: 'rest', change: 'same', before: side('shadow', 0), after: side('shadow', 0), moves: 0, backToV1: null },
      ] as const,
      notes: ['listen.port needs a restart'],
    }),
  }
  const { url } = await startAdmin({}, planned)
  const made = folder()
  writeFileSync(join(made, 'gateway.yaml'), 'routes: []\n')
  for (const path of [made, 'gateway.yaml']) {
    const { code, out } = await run(['plan', path, '--admin', url], { cwd: made })
    expect(code).toBe(0)
    expect(out).toMatch(/~ +orders +canary 10 % +canary 25 %, in force 20 % \(ceiling\) +10 % +0\/s/)
    expect(out).toMatch(/\+ +carts +- +shadow +0 % +-/)
    expect(out).toMatch(/- +old +canary 50 % +- +50 % +1,200\/s/)
    expect(out).toContain('1 route stays as they are'.replace('they are', 'they are'))
    expect(out).toContain('note: listen.port needs a restart')
  }
})

test('plan prints every problem of an invalid config and exits 2', async () => {
  const { url } = await startAdmin()
  const made = folder()
  writeFileSync(join(made, 'bad.yaml'), 'weight: 400\n')
  const ran = await run(['plan', 'bad.yaml', '--admin', url], { cwd: made })
  expect(ran.code).toBe(2)
  expect(ran.err).toBe('banyan: gateway.yaml:1:9: weight: 400 is above 100\ngateway.yaml:2:1: wieght: unknown key, did you mean weight?')
  expect((await run(['plan', 'missing.yaml', '--admin', url], { cwd: made })).err).toContain('missing.yaml cannot be read')
  mkdirSync(join(made, 'empty'))
  expect((await run(['plan', 'empty', '--admin', url], { cwd: made })).code).toBe(2)
  writeFileSync(join(made, 'large.yaml'), 'x'.repeat(1024 * 1024 + 1))
  expect((await run(['plan', 'large.yaml', '--admin', url], { cwd: made })).err).toContain('over 1 MiB')
  writeFileSync(join(made, 'same.yaml'), 'weight: 4\n')
  expect((await run(['plan', 'same.yaml', '--admin', url], { cwd: made })).out).toContain('no route changes')
})
