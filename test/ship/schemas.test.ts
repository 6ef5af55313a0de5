import { expect, test } from 'vitest'
import { files, kustomization, manifests, schemaProblem, typeProblems } from './manifests.ts'
import { typosOf } from './typos.ts'

test('every manifest holds to the schema of its kind', () => {
  expect(manifests.length).toBeGreaterThan(4)
  expect(manifests.map(({ file, kind, name, body }) => [file, kind, name, schemaProblem({ kind, body })])).toEqual(
    manifests.map(({ file, kind, name }) => [file, kind, name, null]),
  )
})

test('every manifest compiles as a literal of its kind', () => {
  expect(typeProblems(manifests.map(({ body }) => body))).toEqual(manifests.map(() => []))
})

test('a misspelt key is noticed, whichever it is', () => {
  // apiVersion and kind choose what a manifest is checked as: without them there is nothing to check it by.
  const typos = manifests.flatMap(({ name, kind, body }) =>
    typosOf(body)
      .filter(({ path }) => path !== 'apiVersion' && path !== 'kind')
      .map(({ path, body: mutant }) => ({ where: `${kind} ${name}: ${path}`, body: mutant })),
  )
  expect(typos.length).toBeGreaterThan(80)
  const problems = typeProblems(typos.map(({ body }) => body))
  expect(typos.filter((_, index) => problems[index]?.length === 0).map(({ where }) => where)).toEqual([])
})

test.each([
  ['a quantity', { spec: { resources: { requests: { storage: '1Gigabyte' } } } }],
  ['a number', { spec: { resources: { requests: { storage: [] } } } }],
])('a wrong value is noticed: %s', (_name, claim) => {
  const set = manifests.find(({ kind }) => kind === 'StatefulSet')
  const { spec } = structuredClone(set?.body) as { spec: { volumeClaimTemplates: object[] } }
  spec.volumeClaimTemplates = [claim]
  expect(schemaProblem({ kind: 'StatefulSet', body: { ...set?.body, spec } })).toMatch(/storage/)
})

test('a kind without a loaded schema is a problem, not a pass', () => {
  expect(schemaProblem({ kind: 'Deployment', body: {} })).toMatch(/Deployment/)
})

test('the kustomization lists exactly the files there are, and says nothing else', () => {
  expect(Object.keys(kustomization as object).sort()).toEqual(['apiVersion', 'kind', 'namespace', 'resources'])
  const { resources } = kustomization as { resources: readonly string[] }
  expect([...resources].sort()).toEqual([...files].sort())
})
