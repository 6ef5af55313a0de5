/** The gateway itself, through its own command, one data thread, as it would be deployed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { start } from '../lib/processes.ts'
import type { Peer, PeerPorts } from './peer.ts'

const ROOT = join(import.meta.dirname, '../..')

function config({ listen, v1, v2, folder }: PeerPorts, mirrored: boolean): string {
  return `name: bench
logLevel: error
listen: { host: 127.0.0.1, port: ${listen}, threads: 1 }
admin: { host: 127.0.0.1, port: 0 }
backends:
  v1: { endpoints: ['http://127.0.0.1:${v1}'] }
  v2: { endpoints: ['http://127.0.0.1:${v2}'] }
store: { path: ${folder}/data }
drain: { delay: 0s, grace: 1s }
sticky: [{ header: x-user-id }]
routes:
  - name: all
    match: { path: /** }
    stage: canary
    weight: ${mirrored ? 0 : 10}
    mirror: { sample: ${mirrored ? 100 : 0}, reverse: 0, concurrency: 256 }
    health: { minRequests: 20 }
`
}

export function banyan(): Peer {
  return {
    name: 'banyan',
    absent: null,
    mirrors: true,
    version: () => (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version,
    start: (ports, mirrored) => {
      const file = join(ports.folder, 'gateway.yaml')
      writeFileSync(file, config(ports, mirrored))
      return start(process.execPath, [join(ROOT, 'bin/banyan.js'), 'serve', '--config', file])
    },
  }
}
