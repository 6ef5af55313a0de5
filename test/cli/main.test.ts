import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { COMMANDS, run } from '../../src/cli/main.ts'
import type { CliIo } from '../../src/cli/io.ts'

async function ran(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const result = { code: 0, out: '', err: '' }
  const io: CliIo = {
    stdout: (line) => (result.out += `${line}\n`),
    stderr: (line) => (result.err += `${line}\n`),
    env: {},
    cwd: '/',
    exit: (code) => (result.code = code),
  }
  await run(args, io)
  return result
}

describe('the commands', () => {
  test('are loaded by every name their files register', async () => {
    const io: CliIo = { stdout: () => undefined, stderr: () => undefined, env: {}, cwd: '/', exit: () => undefined }
    for (const { names, load } of COMMANDS) {
      const program = new Command()
      ;(await load()).register(program, io)
      const registered = program.commands.flatMap((command) => [command.name(), ...command.aliases()])
      expect(registered.toSorted()).toEqual([...names].sort())
    }
  })

  test('are all files of the folder', () => {
    const files = readdirSync(join(import.meta.dirname, '../../src/cli/commands')).map((name) => name.replace(/\.ts$/, ''))
    expect(COMMANDS.map(({ names }) => names[0] ?? '').toSorted()).toEqual(files.toSorted())
  })

  test('are all in the help and in the completion', async () => {
    const [help, completion] = [await ran('--help'), await ran('completion', 'bash')]
    expect(help.code).toBe(0)
    expect(help.err).toBe('')
    for (const { names } of COMMANDS) {
      for (const name of names) expect(completion.out).toContain(`${name})`)
      expect(help.out).toContain(`  ${names[0]}`)
    }
  })
})

describe('a command line', () => {
  test('with a misspelt command is refused with the right one', async () => {
    const { code, err, out } = await ran('rolback', 'orders')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain("unknown command 'rolback'")
    expect(err).toContain('Did you mean rollback?')
  })

  test('with a misspelt option is refused with the right one', async () => {
    const { code, err } = await ran('serve', '--confg', 'x')
    expect(code).toBe(2)
    expect(err).toContain('Did you mean --config?')
  })

  test.each([[['serve', 'a']], [['serve', '--config']], [['weight', 'orders']], [['nonsense']], [['--nonsense']], [[]]])(
    'that is not complete or not known is refused: %j',
    async (args) => {
      const { code, err, out } = await ran(...args)
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).not.toBe('')
    },
  )

  test('of help or version succeeds', async () => {
    expect(await ran('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' })
    expect(await ran('serve', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--config <path>'), err: '' })
    expect(await ran('help', 'serve')).toMatchObject({ code: 0, out: expect.stringContaining('--config <path>') })
  })
})
