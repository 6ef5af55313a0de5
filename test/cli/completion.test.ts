import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { run } from './support.ts'

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).error === undefined

function check(shell: string, script: string): string {
  const { status, stderr } = spawnSync(shell, ['-n'], { input: script, encoding: 'utf8' })
  return status === 0 ? '' : stderr
}

test.each(['bash', 'zsh', 'fish'])('the script for %s names every command and its options', async (shell) => {
  const { code, out } = await run(['completion', shell])
  expect(code).toBe(0)
  for (const word of ['status', 'rollback', 'abort', 'rearm', 'retry', 'explain', 'completion']) expect(out).toContain(word)
  for (const option of ['reason', 'dry-run', 'admin', 'header']) expect(out).toContain(option)
})

test.skipIf(!has('bash'))('the script for bash completes commands and options (needs bash)', async () => {
  const { out } = await run(['completion', 'bash'])
  expect(check('bash', out)).toBe('')
  const complete = (...words: string[]): string[] => {
    const script = `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _banyan; printf '%s\\n' "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim().split('\n')
  }
  expect(complete('banyan', 'ro')).toEqual(['rollback'])
  expect(complete('banyan', 'rearm', '--g')).toEqual(['--global'])
  expect(complete('banyan', 'rearm', 'orders', '--re')).toEqual(['--resalt', '--reason'])
  expect(complete('banyan', 'plan', 'con')).toEqual([''])
})

test.skipIf(!has('zsh'))('the script for zsh is one (needs zsh)', async () => {
  expect(check('zsh', (await run(['completion', 'zsh'])).out)).toBe('')
})

test.skipIf(!has('fish'))('the script for fish is one (needs fish)', async () => {
  expect(check('fish', (await run(['completion', 'fish'])).out)).toBe('')
})

test('another shell is told which there are', async () => {
  expect(await run(['completion', 'tcsh'])).toEqual({ code: 2, out: '', err: 'banyan: the shell is "tcsh": it must be bash, zsh or fish' })
})
