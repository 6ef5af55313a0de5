/** The backend everybody is measured against: nginx answering 250 bytes of JSON from memory, or Node where there is none. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nginxPaths, nginxPrelude } from '../peers/programs.ts'
import { findProgram, start, waitForPort } from './processes.ts'
import type { Running } from './processes.ts'

const BODY = JSON.stringify({ id: 42, name: 'order', note: 'x'.repeat(213) })

export async function startBackend(folder: string, ports: readonly number[]): Promise<Running> {
  const nginx = findProgram('nginx')
  const running =
    nginx === null
      ? start(process.execPath, [join(import.meta.dirname, 'node-backend.ts'), BODY, ...ports.map(String)])
      : startNginx(nginx, folder, ports)
  for (const port of ports) await waitForPort(port)
  return running
}

function startNginx(program: string, folder: string, ports: readonly number[]): Running {
  const listens = ports.map((port) => `listen 127.0.0.1:${port};`).join(' ')
  const file = join(folder, 'backend.conf')
  writeFileSync(
    file,
    `${nginxPrelude(folder)}
http { access_log off; keepalive_requests 1000000000; ${nginxPaths(folder)}
  server { ${listens} location / { default_type application/json; return 200 '${BODY}'; } } }
`,
  )
  return start(program, ['-c', file, '-p', folder])
}
