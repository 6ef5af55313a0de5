/** Manifests, config and program name the same things by the same names. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pageEndpoints } from '../../src/admin/pages.ts'
import { overridesOf } from '../../src/config/env.ts'
import { createMemorySource } from '../admin/memory-source.ts'
import { TOKEN, config, container, loadMounted, pod } from './base.ts'
import { allOf, manifests, onlyOf, root } from './manifests.ts'

test('the ConfigMap passes the parser of the gateway without a warning, and its ceiling counts', () => {
  const loaded = loadMounted({ BANYAN_ADMIN_TOKEN: TOKEN })
  expect(loaded).toMatchObject({ ok: true, warnings: [], ceiling: { file: 100 } })
})

test('a pod without the secret says which variable is missing', () => {
  const loaded = loadMounted({})
  expect(loaded.ok).toBe(false)
  expect(loaded.ok ? '' : loaded.problems.map(({ message }) => message).join()).toContain('BANYAN_ADMIN_TOKEN')
})

test('the base starts with everybody on v1', () => {
  expect(config.routes.map(({ stage }) => stage)).toEqual(['off'])
})

test('the container has the ports of the config, under the names the services and probes use', () => {
  const named = Object.fromEntries((container.ports ?? []).map(({ name, containerPort }) => [name, containerPort]))
  expect(named).toEqual({ http: config.listen.port, admin: config.admin.port })
  const targets = allOf('Service').flatMap(({ spec }) => (spec?.ports ?? []).map(({ name, targetPort }) => [name, targetPort]))
  expect(targets).toEqual([
    ['http', 'http'],
    ['admin', 'admin'],
  ])
  const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe]
  expect(probes.map((probe) => probe?.httpGet?.port)).toEqual(['admin', 'admin', 'admin'])
  const admin = allOf('Service').find(({ metadata }) => metadata?.name === 'banyan-admin')
  expect(admin?.metadata?.annotations?.['prometheus.io/port']).toBe(String(config.admin.port))
})

test('what probes and scrapes ask for, the admin port answers without a token', () => {
  const open = pageEndpoints(createMemorySource(), config.admin.metrics)
    .filter(({ need }) => need === 'nothing')
    .map(({ path }) => path)
  const probed = [container.startupProbe, container.livenessProbe, container.readinessProbe].map((probe) => probe?.httpGet?.path)
  const scraped = allOf('Service').flatMap(({ metadata }) => metadata?.annotations?.['prometheus.io/path'] ?? [])
  expect(scraped).toHaveLength(1)
  for (const path of [...probed, ...scraped]) expect(open).toContain(path)
})

test('both ports are reached from outside the pod', () => {
  for (const host of [config.listen.host, config.admin.host]) expect(['::', '0.0.0.0']).toContain(host)
})

test('the program knows every variable the pod sets', () => {
  const nothing = overridesOf({})
  const names = (container.env ?? []).map(({ name }) => name)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) expect(overridesOf({ [name]: TOKEN }), name).not.toEqual(nothing)
})

test('selectors find the pod and nothing else of the base', () => {
  const set = onlyOf('StatefulSet')
  const labels = set.spec?.template.metadata?.labels ?? {}
  const selectors = [set.spec?.selector.matchLabels, ...allOf('Service').map(({ spec }) => spec?.selector)]
  expect(selectors).toHaveLength(3)
  for (const selector of selectors) {
    expect(Object.keys(selector ?? {}).length).toBeGreaterThan(0)
    expect(labels).toMatchObject(selector ?? { missing: true })
  }
})

test("the StatefulSet's own service is there and headless, and reaches a pod that is not ready", () => {
  const { serviceName } = onlyOf('StatefulSet').spec ?? {}
  const service = allOf('Service').find(({ metadata }) => metadata?.name === serviceName)
  expect(service?.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true })
})

test('users get no pod that is not ready, and never the admin port', () => {
  const service = allOf('Service').find(({ metadata }) => metadata?.name === 'banyan')
  expect(service?.spec?.publishNotReadyAddresses ?? false).toBe(false)
  expect(service?.spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(['http'])
})

test('no two manifests of a kind share a name', () => {
  const ids = manifests.map(({ kind, name }) => `${kind} ${name}`)
  expect(new Set(ids).size).toBe(ids.length)
})

test('image and manifests agree: the version, the config folder, the user, the ports', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(container.image).toBe(`banyan-gateway:${version}`)
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
  const mount = container.volumeMounts?.find(({ name }) => name === 'config')?.mountPath ?? 'none'
  expect(dockerfile).toMatch(new RegExp(`^CMD .*"--config", "${mount}"\\]$`, 'm'))
  expect(dockerfile).toMatch(new RegExp(`^USER ${pod.securityContext?.runAsUser}:${pod.securityContext?.runAsGroup}$`, 'm'))
  expect(dockerfile).toMatch(new RegExp(`^EXPOSE ${config.listen.port} ${config.admin.port}$`, 'm'))
  // The image's command is the whole start: the pod adds nothing to it.
  expect([container.command, container.args]).toEqual([undefined, undefined])
})
