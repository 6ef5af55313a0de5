import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemorySource } from './memory-source.ts'
import { startAdmin } from './support.ts'

test('a lowering needs neither reason nor revision and answers with the new state', async () => {
  const { send, source } = await startAdmin()
  const answer = await send('PUT', '/api/v1/routes/orders/weight', { body: { percent: 0.25 }, headers: { 'if-match': '"999"' } })
  expect(answer).toMatchObject({
    status: 200,
    headers: { etag: '"2"' },
    json: {
      dryRun: false,
      revision: 2,
      saved: true,
      applied: { kind: 'weight', subject: 'orders', actor: 'local', reason: '', before: 'canary 10 %', after: 'canary 0.25 %' },
      route: { name: 'orders', weight: { effective: 0.25 } },
    },
  })
  expect(source.commands).toEqual([{ actor: 'local', reason: '', ifRevision: 999, kind: 'weight', group: 'orders', weightBps: 25 }])
})

test('an If-Match that cannot be read stops a raise and never a lowering', async () => {
  const { send } = await startAdmin()
  const put = (percent: number, revision: string) =>
    send('PUT', '/api/v1/routes/orders/weight', { body: { percent, reason: 'why' }, headers: { 'if-match': revision } })
  expect(await put(20, 'banana')).toMatchObject({ status: 409, json: { code: 'revision-moved' } })
  expect(await put(9, 'banana')).toMatchObject({ status: 200 })
})

test('a raise needs a reason, and the revision that was seen when one is named', async () => {
  const { send } = await startAdmin()
  const put = (body: object, headers: Record<string, string> = {}) => send('PUT', '/api/v1/routes/orders/weight', { body, headers })
  expect(await put({ percent: 20 })).toMatchObject({ status: 400, json: { code: 'reason-required' } })
  expect(await put({ percent: 20, reason: '   ' })).toMatchObject({ status: 400, json: { code: 'reason-required' } })
  expect(await put({ percent: 20, reason: 'why' }, { 'if-match': '"0"' })).toMatchObject({ status: 409, json: { code: 'revision-moved' } })
  expect(await put({ percent: 20, reason: ' why ' }, { 'if-match': '"1"' })).toMatchObject({
    status: 200,
    json: { applied: { reason: 'why' } },
  })
  expect(await put({ percent: 21, reason: 'why' }, { 'if-match': 'W/"2"' })).toMatchObject({ status: 200 })
  expect(await put({ percent: 22, reason: 'why' }, { 'if-match': '*' })).toMatchObject({ status: 200 })
})

test('rollback takes no body at all, latches, and a weight cannot undo it', async () => {
  const { send } = await startAdmin()
  expect(await send('POST', '/api/v1/routes/orders/rollback')).toMatchObject({
    status: 200,
    json: { route: { weight: { effective: 0, heldBy: 'latch' }, tripped: { cause: 'rollback', epoch: 1 } } },
  })
  expect(await send('PUT', '/api/v1/routes/orders/weight', { body: { percent: 10, reason: 'try' } })).toMatchObject({
    status: 409,
    json: { code: 'latched' },
  })
})

test('rearm hands on its weight, salt and force', async () => {
  const { send, source } = await startAdmin()
  await send('POST', '/api/v1/routes/orders/rollback')
  expect(await send('POST', '/api/v1/routes/orders/rearm', { body: {} })).toMatchObject({ status: 400, json: { code: 'reason-required' } })
  const answer = await send('POST', '/api/v1/routes/orders/rearm', { body: { reason: 'fixed', to: 2.5, resalt: true, force: true } })
  expect(answer).toMatchObject({ status: 200, json: { route: { weight: { effective: 2.5 }, tripped: null } } })
  expect(source.commands.at(-1)).toMatchObject({ kind: 'rearm', toBps: 250, resalt: true, force: true })
})

test('the kill switch takes everything to v1; its rearm ends it and nothing else', async () => {
  const { send } = await startAdmin()
  await send('POST', '/api/v1/routes/orders/rollback')
  expect(await send('POST', '/api/v1/rollback', { body: { reason: 'fire' } })).toMatchObject({
    status: 200,
    json: { killed: true, route: null },
  })
  expect(await send('POST', '/api/v1/rearm', { body: {} })).toMatchObject({ status: 400, json: { code: 'reason-required' } })
  expect(await send('POST', '/api/v1/rearm', { body: { reason: 'out' } })).toMatchObject({ status: 200, json: { killed: false } })
  expect((await send('GET', '/api/v1/routes/orders')).json).toMatchObject({ weight: { heldBy: 'latch' } })
})

test('a stage moves by the table of core', async () => {
  const { send } = await startAdmin()
  const put = (route: string, body: object) => send('PUT', `/api/v1/routes/${route}/stage`, { body })
  expect(await put('rest', { stage: 'shadow' })).toMatchObject({ status: 200, json: { route: { stage: 'shadow' } } })
  expect(await put('rest', { stage: 'complete', reason: 'go' })).toMatchObject({ status: 409, json: { code: 'one-stage-at-a-time' } })
  expect(await put('orders', { stage: 'complete', reason: 'go' })).toMatchObject({
    status: 409,
    json: { code: 'complete-needs-full-weight' },
  })
  expect(await put('orders', { stage: 'complete', reason: 'go', force: true })).toMatchObject({ status: 200 })
  expect(await put('orders', { stage: 'off' })).toMatchObject({ status: 200 })
})

test('a dry run answers the same and changes nothing', async () => {
  const { send, source } = await startAdmin()
  const before = source.state()
  const answer = await send('POST', '/api/v1/routes/orders/rollback?dryRun=true', { body: { reason: 'drill' } })
  expect(answer).toMatchObject({
    status: 200,
    json: { dryRun: true, saved: false, revision: 1, applied: { revision: 2 }, route: { tripped: null } },
  })
  expect(source.state()).toBe(before)
  expect(await send('PUT', '/api/v1/routes/orders/weight?dryRun=true', { body: { percent: 20 } })).toMatchObject({ status: 400 })
  for (const value of ['1', 'yes', '', 'TRUE']) {
    expect(await send('POST', `/api/v1/rollback?dryRun=${value}`)).toMatchObject({ status: 400, json: { code: 'query-invalid' } })
  }
  expect(await send('POST', '/api/v1/rollback?dryrun=true')).toMatchObject({ status: 400, json: { code: 'query-invalid' } })
  expect(source.state()).toBe(before)
})

test('a change that could not be saved is in force and says so', async () => {
  const source = createMemorySource()
  source.set({ saved: false })
  const { send } = await startAdmin({}, source)
  expect(await send('POST', '/api/v1/routes/orders/rollback')).toMatchObject({
    status: 200,
    json: { saved: false, route: { weight: { effective: 0 } } },
  })
})

test('a bad body gets everything that is wrong with it, and what would be right', async () => {
  const { send, source } = await startAdmin()
  const weight = (body: string | object) => send('PUT', '/api/v1/routes/orders/weight', { body })
  const wrong = [
    ['{', 'the body is not JSON'],
    ['[]', 'a JSON object with percent, reason is needed'],
    ['null', 'a JSON object'],
    ['"5"', 'a JSON object'],
    ['', 'percent is missing: it must be a number from 0 to 100'],
    [{ percent: '5' }, 'percent is "5": it must be a number from 0 to 100 in steps of 0.01'],
    [{ percent: -1 }, 'percent is -1'],
    [{ percent: 100.01 }, 'percent is 100.01'],
    [{ percent: 0.001 }, 'percent is 0.001'],
    ['{"percent":1e999}', 'percent is'],
    [{ percent: 5, reasn: 'x' }, 'unknown field "reasn": this takes percent, reason'],
    ['{"percent":5,"__proto__":{"reason":"x"}}', 'unknown field "__proto__"'],
    [{ percent: 5, reason: 7 }, 'reason is 7: it must be a text'],
    [{ percent: 5, reason: 'x'.repeat(501) }, 'reason is'],
    [{ percent: 5, reason: 'a\nb' }, 'reason is'],
    [{ percent: 5, reason: 'a\u001b[2Jb' }, 'reason is'],
  ] as const
  for (const [body, says] of wrong) {
    const { status, json } = await weight(body)
    expect([status, json['code']], JSON.stringify(body)).toEqual([400, 'body-invalid'])
    expect(json['detail'], JSON.stringify(body)).toContain(says)
  }
  const both = await weight({ percent: 'x', reasn: '' })
  expect(both.json['problems']).toHaveLength(2)
  const stage = await send('PUT', '/api/v1/routes/orders/stage', { body: { stage: 'canari' } })
  expect(stage.json['detail']).toContain('stage is "canari": it must be one of "off", "shadow", "canary", "complete"')
  expect(await send('PUT', '/api/v1/routes/nope/weight', { body: { percent: 1 } })).toMatchObject({
    status: 404,
    json: { code: 'no-such-route' },
  })
  expect(source.commands).toEqual([])
})

test('no body and no query makes the server fail or changes anything it should not', { timeout: 60_000 }, async () => {
  const { send, source, errors } = await startAdmin()
  const paths = ['routes/orders/weight', 'routes/orders/stage', 'routes/orders/rearm', 'rearm'] as const
  const before = source.state()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.oneof(fc.json(), fc.string()), fc.webQueryParameters(), async (path, body, query) => {
      const method = path.endsWith('weight') || path.endsWith('stage') ? 'PUT' : 'POST'
      const { status } = await send(method, `/api/v1/${path}?${query}`, { body })
      return status === 400 || status === 409
    }),
    { numRuns: 300 },
  )
  expect(source.state()).toBe(before)
  expect(errors).toEqual([])
})
