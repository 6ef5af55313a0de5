/** The program: joins the process to the commands, and says what happens when nothing else can. */
import { run } from './cli/main.ts'
import type { CliIo } from './cli/io.ts'

const io: CliIo = {
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  cwd: process.cwd(),
  exit: (code) => void (process.exitCode = code),
}

// Whoever read our output may go away (`banyan status | head`); that ends no command and no gateway.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

process.on('uncaughtException', (error) => {
  io.stderr(`banyan: internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.exit(1)
})

await run(process.argv.slice(2), io)
