// The gate: every step in order, all of them even when one fails, and one plain line at the end.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const bin = join(root, 'node_modules', '.bin')
const reports = mkdtempSync(join(tmpdir(), 'banyan-check-'))
const report = join(reports, 'vitest.json')
// The pinned Node comes first: tools and tests run on it, whatever started this.
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }

const steps = [
  { name: 'format', command: 'prettier', args: ['--check', '.', '--log-level', 'warn'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings', '.'] },
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'dead code', command: 'knip', args: [] },
  { name: 'tests', command: 'vitest', args: ['run', '--coverage', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`] },
]

const failed = []
for (const { name, command, args } of steps) {
  console.log(`\n== ${name}: ${command} ${args.join(' ')}`)
  const started = performance.now()
  const { status } = spawnSync(join(bin, command), args, { cwd: root, env, stdio: 'inherit' })
  console.log(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1_000).toFixed(1)} s`)
  if (status !== 0) failed.push(name)
}

const counts = readCounts()
rmSync(reports, { recursive: true, force: true })
for (const name of counts.skippedNames) console.log(`skipped: ${name}`)
if (failed.length > 0) console.log(`\nfailed steps: ${failed.join(', ')}`)
// A failed step without a failed test must not look green in the last line.
const bad = Math.max(counts.failed, failed.length)
console.log(`${counts.passed} passed, ${bad} failed, ${counts.skipped} skipped`)
process.exit(failed.length === 0 ? 0 : 1)

function readCounts() {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'))
    const tests = result.testResults.flatMap((file) => file.assertionResults)
    return {
      passed: result.numPassedTests,
      failed: result.numFailedTests,
      skipped: result.numPendingTests + result.numTodoTests,
      skippedNames: tests.filter((test) => test.status === 'pending' || test.status === 'skipped').map((test) => test.fullName),
    }
  } catch {
    return { passed: 0, failed: 1, skipped: 0, skippedNames: [] }
  }
}
