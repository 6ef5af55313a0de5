/** What the base says, read the way the cluster and the program would read it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IContainer } from 'kubernetes-models/v1/Container'
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec'
import { loadConfig } from '../../src/config/load.ts'
import type { LoadResult } from '../../src/config/load.ts'
import type { GatewayConfig } from '../../src/core/model/config.ts'
import { onlyOf } from './manifests.ts'

export const pod: IPodSpec = onlyOf('StatefulSet').spec?.template.spec ?? { containers: [] }

export const container: IContainer = pod.containers[0] ?? { name: 'none' }

/** As long as `openssl rand -hex 24` makes it. */
export const TOKEN = '0123456789abcdef'.repeat(3)

/** The ConfigMap as the kubelet mounts it: the files are links into a folder that is swapped whole. */
function mountConfigMap(folder: string): void {
  const inner = '..2026_01_31_12_00_00.1'
  mkdirSync(join(folder, inner))
  symlinkSync(inner, join(folder, '..data'))
  for (const [name, text] of Object.entries(onlyOf('ConfigMap').data ?? {})) {
    writeFileSync(join(folder, inner, name), text)
    symlinkSync(join('..data', name), join(folder, name))
  }
}

export function loadMounted(env: Readonly<Record<string, string>>): LoadResult {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-mounted-'))
  try {
    mountConfigMap(folder)
    return loadConfig(folder, env)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const config: GatewayConfig = valid(loadMounted({ BANYAN_ADMIN_TOKEN: TOKEN }))

function valid(loaded: LoadResult): GatewayConfig {
  if (loaded.ok) return loaded.config
  throw new Error(`the ConfigMap holds no valid config: ${JSON.stringify(loaded.problems)}`)
}
