/**
 * What the Pod Security standard "restricted" says against a pod, in its own words.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
import type { IContainer } from 'kubernetes-models/v1/Container'
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec'

const VOLUMES: readonly string[] = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

export function violations(pod: IPodSpec): string[] {
  const containers = [...pod.containers, ...(pod.initContainers ?? []), ...((pod.ephemeralContainers ?? []) as IContainer[])]
  return [...ofPod(pod), ...containers.flatMap((container) => ofContainer(pod, container))]
}

function ofPod(pod: IPodSpec): string[] {
  const kinds = (pod.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'))
  return failed([
    ['host namespaces', pod.hostNetwork !== true && pod.hostPID !== true && pod.hostIPC !== true],
    ['volume types', kinds.every((kind) => VOLUMES.includes(kind))],
    ['sysctls', (pod.securityContext?.sysctls ?? []).length === 0],
  ])
}

function ofContainer(pod: IPodSpec, { name, securityContext, ports }: IContainer): string[] {
  const seccomp = securityContext?.seccompProfile?.type ?? pod.securityContext?.seccompProfile?.type
  const user = securityContext?.runAsUser ?? pod.securityContext?.runAsUser
  return failed([
    [`${name}: privileged`, securityContext?.privileged !== true],
    [`${name}: privilege escalation`, securityContext?.allowPrivilegeEscalation === false],
    [
      `${name}: capabilities`,
      securityContext?.capabilities?.drop?.includes('ALL') === true && addsLittle(securityContext.capabilities.add),
    ],
    [`${name}: running as non-root`, (securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) === true && user !== 0],
    [`${name}: seccomp`, seccomp === 'RuntimeDefault' || seccomp === 'Localhost'],
    [`${name}: host ports`, (ports ?? []).every(({ hostPort }) => hostPort === undefined || hostPort === 0)],
  ])
}

function addsLittle(added: readonly string[] = []): boolean {
  return added.every((capability) => capability === 'NET_BIND_SERVICE')
}

function failed(checks: readonly (readonly [what: string, ok: boolean])[]): string[] {
  return checks.filter(([, ok]) => !ok).map(([what]) => what)
}
