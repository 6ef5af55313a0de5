/** Writes the dashboard beside itself: `node k8s/grafana/build.ts`, after a change of the panels. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { buildDashboard } from './dashboard.ts'

const file = fileURLToPath(new URL('banyan.json', import.meta.url))
writeFileSync(file, await format(JSON.stringify(buildDashboard()), { ...(await resolveConfig(file)), filepath: file }))
