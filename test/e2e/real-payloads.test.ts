/**
 * Payloads nobody here wrote (the JSON of GitHub's webhook examples) through both backends by a stock client:
 * delivered byte for byte, split by user, mirrored, and the one field v2 gets wrong found by name.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { request } from 'undici'
import { bucketOf } from '../../src/core/split/buckets.ts'
import { startBackend } from '../support/backends.ts'
import { api, yamlFor } from '../support/e2e.ts'
import { startGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '../../node_modules/@octokit/webhooks-examples/api.github.com')

interface Shadowed {
  readonly comparisons: Readonly<Record<'match' | 'mismatch' | 'incomparable', number>>
  readonly shadow: { readonly dropped: Readonly<Record<string, number>> }
}

interface Group {
  readonly name: string
  readonly examples: readonly object[]
}

const payloads = (JSON.parse(readFileSync(join(ROOT, 'index.json'), 'utf8')) as Group[]).flatMap((group) =>
  group.examples.map((example, index) => ({ path: `/hooks/${group.name}/${index}`, body: JSON.stringify(example) })),
)
const byPath = new Map(payloads.map(({ path, body }) => [path, body]))

/** v2's one fault: the sender's type in lower case. */
function rewritten(body: string): string {
  return body.replaceAll('"type":"User"', '"type":"user"')
}

test('the package has payloads worth the name', () => {
  expect(readdirSync(ROOT)).toContain('index.json')
  expect(payloads.length).toBeGreaterThan(200)
})

test('real payloads are split, mirrored and compared, and delivered byte for byte', async () => {
  const v1 = await startBackend('v1', { kind: 'answer', body: ({ target }) => JSON.parse(byPath.get(target) ?? '{}') as object })
  const v2 = await startBackend('v2', { kind: 'answer', body: ({ target }) => JSON.parse(rewritten(byPath.get(target) ?? '{}')) as object })
  onTestFinished(async () => {
    await v1.close()
    await v2.close()
  })
  const gateway = await startGateway({ yaml: yamlFor(v1, v2, 'stage: canary\nweight: 30\nmirror: { sample: 100, reverse: 100 }') })
  for (const [index, { path, body }] of payloads.entries()) {
    const user = `user-${index}`
    const answer = await request(`${gateway.dataUrl}${path}`, { headers: { 'x-user-id': user } })
    const text = await answer.body.text()
    const backend = bucketOf(user, 'gateway') < 3_000 ? 'v2' : 'v1'
    expect({ path, backend: answer.headers['x-banyan-backend'], text }).toEqual({
      path,
      backend,
      text: backend === 'v2' ? rewritten(body) : body,
    })
  }
  const wrong = payloads.filter(({ body }) => rewritten(body) !== body).length
  // A busy machine may shed a mirror; what is not compared must have been counted.
  const settled = await until('every pair is compared or counted as dropped', async () => {
    const { comparisons, shadow } = (await api(gateway, 'GET', 'routes/all')).body as unknown as Shadowed
    const dropped = Object.values(shadow.dropped).reduce((sum, count) => sum + count, 0)
    const { match, mismatch } = comparisons
    return match + mismatch + dropped === payloads.length ? { match, mismatch, dropped, incomparable: comparisons.incomparable } : null
  })
  expect(settled.dropped).toBeLessThan(payloads.length / 2)
  expect(settled.incomparable).toBe(0)
  expect(settled.mismatch).toBeGreaterThanOrEqual(wrong - settled.dropped)
  expect(settled.match).toBeGreaterThanOrEqual(payloads.length - wrong - settled.dropped)
  const { findings } = (await api(gateway, 'GET', 'diffs')).body as { findings: { path: string; kind: string }[] }
  expect(findings.length).toBeGreaterThan(0)
  expect(findings.every(({ path, kind }) => kind === 'value' && path.endsWith('/type'))).toBe(true)
})
