import { expect, test } from 'vitest'
import { startAdmin } from '../admin/support.ts'
import { person, run } from './support.ts'

test('a lowering goes through at once, asks nobody and needs no reason', async () => {
  const { url, source } = await startAdmin()
  const terminal = person()
  const ran = await run(['weight', 'orders', '5', '--admin', url], { terminal })
  expect(ran).toEqual({ code: 0, out: 'orders: canary 10 % → canary 5 % (revision 2)', err: '' })
  expect(terminal.asked).toEqual([])
  expect(source.commands).toHaveLength(1)
})

test('a lowering keeps the reason it was given, and still asks nobody', async () => {
  const { url, source } = await startAdmin()
  const terminal = person()
  expect(await run(['weight', 'orders', '1', '--reason', 'careful', '--admin', url], { terminal })).toMatchObject({ code: 0 })
  expect(terminal.asked).toEqual([])
  expect(source.commands.at(-1)).toMatchObject({ reason: 'careful', weightBps: 100 })
  expect(source.state().revision).toBe(2)
})

test('a raise by a script needs --reason and exits 2 without', async () => {
  const { url, source } = await startAdmin()
  const refused = await run(['weight', 'orders', '20', '--admin', url])
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toContain('--reason')
  expect(source.state().revision).toBe(1)
  expect(await run(['weight', 'orders', '20%', '--reason', 'good numbers', '--admin', url])).toMatchObject({ code: 0 })
  expect(source.commands.at(-1)).toMatchObject({ weightBps: 2_000, reason: 'good numbers' })
})

test('a raise by a person is asked for its reason, then whether it is meant', async () => {
  const { url, source } = await startAdmin()
  const terminal = person('good numbers', 'y')
  expect(await run(['weight', 'orders', '20', '--admin', url], { terminal })).toMatchObject({ code: 0 })
  expect(terminal.asked).toEqual(['Reason to raise orders to 20 %: ', 'Really raise orders to 20 %? [y/N] '])
  expect(source.commands.at(-1)).toMatchObject({ reason: 'good numbers', ifRevision: 1 })
})

test('a person who gives the reason is asked once, with --yes not at all', async () => {
  const { url } = await startAdmin()
  const once = person('yes')
  expect(await run(['weight', 'orders', '20', '--reason', 'x', '--admin', url], { terminal: once })).toMatchObject({ code: 0 })
  expect(once.asked).toEqual(['Really raise orders to 20 %? [y/N] '])
  const never = person()
  expect(await run(['weight', 'orders', '30', '--reason', 'x', '-y', '--admin', url], { terminal: never })).toMatchObject({ code: 0 })
  expect(never.asked).toEqual([])
  const reasonOnly = person('because')
  expect(await run(['weight', 'orders', '40', '--yes', '--admin', url], { terminal: reasonOnly })).toMatchObject({ code: 0 })
  expect(reasonOnly.asked).toEqual(['Reason to raise orders to 40 %: '])
})

test('no answer, an empty reason or anything but yes changes nothing', async () => {
  const { url, source } = await startAdmin()
  for (const answers of [[null], ['  '], ['why', null], ['why', 'no'], ['why', ''], ['why', 'yep']]) {
    const ran = await run(['weight', 'orders', '20', '--admin', url], { terminal: person(...answers) })
    expect(ran).toEqual({ code: 1, out: '', err: 'banyan: nothing was changed' })
  }
  expect(source.state().revision).toBe(1)
})

test('what changed while the person was thinking is noticed', async () => {
  const { url, send } = await startAdmin()
  const terminal = { ...person(), ask: async () => (await send('PUT', '/api/v1/routes/orders/weight', { body: { percent: 1 } }), 'y') }
  const ran = await run(['weight', 'orders', '20', '--reason', 'x', '--admin', url], { terminal })
  expect(ran.code).toBe(1)
  expect(ran.err).toContain('you saw revision 1, the state is at 2 now')
})

test('a stage goes by the table of core, and --force is handed on', async () => {
  const { url, source } = await startAdmin()
  const stage = (...args: string[]) => run(['stage', ...args, '--admin', url])
  expect(await stage('rest', 'shadow')).toMatchObject({ code: 0, out: 'rest: off 0 % → shadow 0 % (revision 2)' })
  expect(await stage('rest', 'complete', '--reason', 'x')).toMatchObject({ code: 1 })
  expect(await stage('orders', 'complete', '--reason', 'x', '--force')).toMatchObject({ code: 0 })
  expect(source.commands.at(-1)).toMatchObject({ stage: 'complete', force: true })
  expect(await stage('orders', 'off')).toMatchObject({ code: 0 })
})

test('rollback is one request a route, tries them all, and fails if one did', async () => {
  const { url, source } = await startAdmin()
  const terminal = person()
  const ran = await run(['rollback', 'nowhere', 'orders', 'rest', '--admin', url], { terminal })
  expect(ran.code).toBe(1)
  expect(ran.err).toContain('there is no route "nowhere"')
  expect(ran.out).toContain('orders: canary 10 % → canary 0 %, latched by rollback (epoch 1)')
  expect(source.commands.map(({ kind }) => kind)).toEqual(['rollback', 'rollback'])
  expect(terminal.asked).toEqual([])
})

test('rollback --all is the kill switch, abort the same under its Argo name', async () => {
  const { url, source } = await startAdmin()
  expect(await run(['abort', '--all', '--reason', 'fire', '--admin', url])).toMatchObject({ code: 0 })
  expect(source.state().killed).toMatchObject({ reason: 'fire' })
})

test('rearm ends a latch, retry the same; --global only the kill switch', async () => {
  const { url, source } = await startAdmin()
  await run(['rollback', 'orders', '--admin', url])
  expect(await run(['rearm', 'orders', '--admin', url])).toMatchObject({ code: 2 })
  expect(await run(['rearm', 'orders', '--to', '2.5', '--resalt', '--force', '--reason', 'fixed', '--admin', url])).toMatchObject({
    code: 0,
  })
  expect(source.commands.at(-1)).toMatchObject({ kind: 'rearm', toBps: 250, resalt: true, force: true, reason: 'fixed' })
  await run(['rollback', '--all', '--admin', url])
  expect(await run(['retry', '--global', '--reason', 'out', '--admin', url])).toMatchObject({ code: 0 })
  expect(source.state().killed).toBeNull()
})

test('a dry run says what would change and asks nobody', async () => {
  const { url, source } = await startAdmin()
  const terminal = person()
  expect(await run(['weight', 'orders', '50', '--dry-run', '--admin', url], { terminal })).toEqual({
    code: 0,
    out: 'would change orders: canary 10 % → canary 50 %',
    err: '',
  })
  expect((await run(['rollback', 'orders', '--dry-run', '--admin', url], { terminal })).out).toContain('would change orders: ')
  expect(terminal.asked).toEqual([])
  expect(source.state().revision).toBe(1)
})

test('a change that is in force but not on disk says so on stderr', async () => {
  const { url, source } = await startAdmin()
  source.set({ saved: false })
  const ran = await run(['rollback', 'orders', '--admin', url])
  expect(ran.code).toBe(0)
  expect(ran.err).toContain('not saved to disk yet')
})

test('--json prints the answer of the API and nothing else', async () => {
  const { url } = await startAdmin()
  const ran = await run(['rollback', 'orders', '--json', '--admin', url])
  expect(JSON.parse(ran.out)).toMatchObject({ dryRun: false, applied: { kind: 'rollback' } })
  expect(ran.err).toBe('')
})

test('wrong arguments are named, with what would be right, before anything is sent', async () => {
  const { url, source } = await startAdmin()
  const wrong: readonly (readonly [args: string[], says: string])[] = [
    [['weight', 'orders', 'five'], 'the weight is "five": it must be a percentage from 0 to 100'],
    [['weight', 'orders', '101'], 'the weight is "101"'],
    [['weight', 'orders', '0.001'], 'the weight is "0.001"'],
    [['weight', 'orders', '1e1'], 'the weight is "1e1"'],
    [['weight', 'orders'], "missing required argument 'percent'"],
    [['stage', 'orders', 'canari'], 'the stage is "canari": it must be one of off, shadow, canary, complete'],
    [['rollback'], 'name the routes to roll back, or say --all'],
    [['rollback', 'orders', '--all'], 'not both'],
    [['rearm'], 'name the route to rearm'],
    [['rearm', 'orders', '--global'], '--global ends the global latch only'],
    [['rearm', 'orders', '--to', 'x'], '--to is "x"'],
    [['weight', 'orders', '5', '--raeson', 'x'], "unknown option '--raeson'"],
  ]
  for (const [args, says] of wrong) {
    const ran = await run([...args, '--admin', url])
    expect(ran.code, args.join(' ')).toBe(2)
    expect(ran.err, args.join(' ')).toContain(says)
  }
  expect(source.commands).toEqual([])
})

test('promote points to what there is instead', async () => {
  const ran = await run(['promote', 'orders'])
  expect(ran.code).toBe(1)
  expect(ran.err).toContain('ramps come with a later version')
})
