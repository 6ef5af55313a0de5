/** The one pod: what it may do, what it mounts, how it starts, is watched and ends. */
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec'
import { describe, expect, test } from 'vitest'
import { config, container, pod } from './base.ts'
import { onlyOf } from './manifests.ts'
import { violations } from './restricted.ts'

/** Main's last lines after the grace (one second), and what is left of the process after them (half a one). */
const ENDING_MS = 2_000

describe('what the pod may do', () => {
  test('the restricted Pod Security standard admits it, and its namespace enforces that standard', () => {
    expect(violations(pod)).toEqual([])
    expect(onlyOf('Namespace').metadata?.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    })
  })

  test.each<[string, Partial<IPodSpec>]>([
    ['host namespaces', { hostNetwork: true }],
    ['volume types', { volumes: [{ name: 'node', hostPath: { path: '/' } }] }],
    ['running as non-root', { securityContext: {} }],
    ['capabilities', { containers: [{ ...container, securityContext: { allowPrivilegeEscalation: false } }] }],
    ['privilege escalation', { containers: [{ ...container, securityContext: {} }] }],
    ['host ports', { containers: [{ ...container, ports: [{ containerPort: 1, hostPort: 1 }] }] }],
  ])('it would be refused for %s', (what, change) => {
    expect(violations({ ...pod, ...change }).join()).toContain(what)
  })

  test('it gets no token of the Kubernetes API and no variables of other services', () => {
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(onlyOf('ServiceAccount').automountServiceAccountToken).toBe(false)
    expect(pod.serviceAccountName).toBe(onlyOf('ServiceAccount').metadata?.name)
    expect(pod.enableServiceLinks).toBe(false)
  })

  test('its root is read-only, and what it may write is its volume and a bounded folder for temporary files', () => {
    expect(container.securityContext?.readOnlyRootFilesystem).toBe(true)
    const writable = (container.volumeMounts ?? []).filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath)
    expect(writable.sort()).toEqual(['/data', '/tmp'])
    expect(pod.volumes?.find(({ name }) => name === 'tmp')?.emptyDir?.sizeLimit).toBeDefined()
  })

  test('its memory has a limit with room for all the buffers of the config, its processor none', () => {
    expect(bytes(container.resources?.limits?.['memory'])).toBeGreaterThanOrEqual(config.limits.buffersBytes * 3)
    expect(container.resources?.limits?.['cpu']).toBeUndefined()
    // Without a CPU limit `auto` would be the cores of the node.
    expect(config.listen.threads).not.toBe('auto')
  })
})

describe('what the pod mounts', () => {
  test('the ConfigMap is a directory, never single files: those are not updated', () => {
    const mount = container.volumeMounts?.find(({ name }) => name === 'config')
    expect(mount).toMatchObject({ readOnly: true })
    expect(mount).not.toHaveProperty('subPath')
    expect(mount).not.toHaveProperty('subPathExpr')
    const volume = pod.volumes?.find(({ name }) => name === 'config')
    expect(volume?.configMap).toEqual({ name: onlyOf('ConfigMap').metadata?.name })
  })

  test('the store lies on a volume that outlives the pod, of one writer', () => {
    const set = onlyOf('StatefulSet')
    const [claim] = set.spec?.volumeClaimTemplates ?? []
    const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === config.store.path)
    expect(mount?.name).toBe(claim?.metadata?.name)
    expect(claim?.spec?.accessModes).toEqual(['ReadWriteOnce'])
    expect(pod.securityContext?.fsGroup).toBe(pod.securityContext?.runAsGroup)
    expect(set.spec?.replicas).toBe(1)
  })

  test('every volume is mounted, and every mount has its volume', () => {
    const claims = (onlyOf('StatefulSet').spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '')
    const volumes = [...(pod.volumes ?? []).map(({ name }) => name), ...claims]
    expect((container.volumeMounts ?? []).map(({ name }) => name).sort()).toEqual(volumes.sort())
  })
})

describe('how the pod ends', () => {
  test('the kubelet waits longer than the drain takes', () => {
    const { delayMs, graceMs } = config.drain
    expect((pod.terminationGracePeriodSeconds ?? 0) * 1_000).toBeGreaterThan(Math.max(delayMs, graceMs) + ENDING_MS)
    expect(graceMs).toBeGreaterThan(delayMs)
  })

  test('the pod is not killed before a dead thread had time to be replaced, and never for being slow once', () => {
    const { livenessProbe, readinessProbe, startupProbe } = container
    const patience = (probe: typeof livenessProbe): number => (probe?.periodSeconds ?? 10) * (probe?.failureThreshold ?? 3)
    expect(patience(livenessProbe)).toBeGreaterThanOrEqual(60)
    expect(patience(startupProbe)).toBeGreaterThanOrEqual(30)
    expect(patience(readinessProbe)).toBeLessThanOrEqual(10)
    expect(readinessProbe?.failureThreshold).toBeGreaterThan(2)
    expect([livenessProbe?.timeoutSeconds, readinessProbe?.timeoutSeconds].every((seconds) => (seconds ?? 1) >= 2)).toBe(true)
  })
})

function bytes(quantity: unknown): number {
  const match = /^(\d+)(Mi|Gi)$/.exec(String(quantity))
  return Number(match?.[1] ?? Number.NaN) * (match?.[2] === 'Gi' ? 2 ** 30 : 2 ** 20)
}
