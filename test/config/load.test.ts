import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { ceilingOfEnv, configPath } from '../../src/config/env.ts'
import { loadConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { configText, createConfigMap, createFolder } from '../support/config-files.ts'
import type { Folder } from '../support/config-files.ts'

let folder: Folder
beforeEach(() => void (folder = createFolder()))
afterEach(() => folder.remove())

const problemsOf = (path: string, env = {}): string[] => {
  const result = loadConfig(path, env)
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace(folder.path, ''))
}

describe('a path', () => {
  it('may be a file, whose directory is none of its business', () => {
    folder.write('my.yaml', configText())
    folder.write('v2_traffic_percentage', '5')
    expect(loadConfig(join(folder.path, 'my.yaml'), {})).toMatchObject({ ok: true, ceiling: { env: null, file: null } })
  })

  it('may be a directory with gateway.yaml and a ceiling', () => {
    folder.write('gateway.yaml', configText())
    folder.write('v2_traffic_percentage', '12.5\n')
    expect(loadConfig(folder.path, { V2_TRAFFIC_PERCENTAGE: '50' })).toMatchObject({
      ok: true,
      warnings: [],
      ceiling: { env: 50, file: 12.5 },
    })
  })

  it('may be a mounted ConfigMap', () => {
    const mount = createConfigMap({ 'gateway.yaml': configText(), v2_traffic_percentage: '0' })
    expect(loadConfig(mount.path, {})).toMatchObject({ ok: true, ceiling: { file: 0 } })
    mount.remove()
  })

  it('is the option, else BANYAN_CONFIG, else config/', () => {
    expect(configPath('a', { BANYAN_CONFIG: 'b' })).toBe('a')
    expect(configPath(undefined, { BANYAN_CONFIG: 'b' })).toBe('b')
    expect(configPath(undefined, { BANYAN_CONFIG: '' })).toBe('config/')
  })

  const ABSENT =
    'file: does not exist; give the path of a YAML file, or of a directory with gateway.yaml in it (the command init writes one)'

  it('that leads nowhere is a problem that says where it leads', () => {
    expect(problemsOf(join(folder.path, 'gone.yaml'))).toEqual([`/gone.yaml: ${ABSENT}`])
    expect(problemsOf(`${folder.path}/gone/`)).toEqual([`/gone/gateway.yaml: ${ABSENT}`])
    symlinkSync('nowhere', join(folder.path, 'dangling.yaml'))
    expect(problemsOf(join(folder.path, 'dangling.yaml'))).toEqual([`/dangling.yaml: ${ABSENT}`])
    expect(problemsOf(folder.path)).toEqual([
      '/gateway.yaml: file: is not in this directory; put gateway.yaml there (the command init writes one), or give the path of a file',
    ])
  })

  it('to something that is no file is a problem', () => {
    mkdirSync(join(folder.path, 'gateway.yaml'))
    expect(problemsOf(folder.path)).toEqual(['/gateway.yaml: file: is a directory; give the path of a YAML file'])
    execFileSync('mkfifo', [join(folder.path, 'pipe')])
    expect(problemsOf(join(folder.path, 'pipe'))).toEqual(['/pipe: file: is no regular file; give the path of a YAML file'])
    symlinkSync('loop', join(folder.path, 'loop'))
    expect(problemsOf(join(folder.path, 'loop'))).toEqual(['/loop: file: cannot be opened (ELOOP); check its path and permissions'])
  })

  test.skipIf(process.getuid?.() === 0)('to a file that may not be read is a problem (not as root)', () => {
    folder.write('gateway.yaml', configText())
    chmodSync(join(folder.path, 'gateway.yaml'), 0)
    expect(problemsOf(folder.path)).toEqual(['/gateway.yaml: file: cannot be opened (EACCES); check its path and permissions'])
  })

  it('to a file above 1 MiB is refused', () => {
    folder.write('gateway.yaml', `${configText()}#${'x'.repeat(1_048_576)}`)
    expect(problemsOf(folder.path)).toEqual(['/gateway.yaml: file: is larger than 1MiB and was not read; is it the right file?'])
    folder.write('gateway.yaml', configText().padEnd(1_048_576, '#'))
    expect(problemsOf(folder.path)).toEqual([])
  })

  it('names the file in the problems of the text', () => {
    folder.write('gateway.yaml', configText('via: 1'))
    expect(problemsOf(folder.path)).toEqual(['/gateway.yaml:3:6: via: 1 is not true or false; write true or false'])
  })
})

describe('the ceiling', () => {
  beforeEach(() => folder.write('gateway.yaml', configText()))

  const WRITE = 'write a plain percent number from 0 to 100 in steps of 0.01, such as 100, 5 or 0'
  test.each([
    ['', `is empty; ${WRITE}`],
    ['\n', `is empty; ${WRITE}`],
    ['5%', `"5%" is not a percentage; ${WRITE}`],
    ['-1', `"-1" is not a percentage; ${WRITE}`],
    ['1e1', `"1e1" is not a percentage; ${WRITE}`],
    ['101', `"101" is above 100; ${WRITE}`],
    ['0.001', `"0.001" is finer than 0.01; ${WRITE}`],
    ['v2: 5', `"v2: 5" is not a percentage; ${WRITE}`],
  ])('file with %j is a problem, and no ceiling is known', (text, message) => {
    folder.write('v2_traffic_percentage', text)
    expect(problemsOf(folder.path)).toEqual([`/v2_traffic_percentage:1:1: file: ${message}`])
    expect(loadConfig(folder.path, {})).toMatchObject({ ok: false, ceiling: null })
  })

  it('file that is a novel is refused unread', () => {
    folder.write('v2_traffic_percentage', '5'.repeat(65))
    expect(problemsOf(folder.path)).toEqual(['/v2_traffic_percentage: file: is larger than 64B and was not read; is it the right file?'])
  })

  it('of the environment is the lower of its two names', () => {
    expect(ceilingOfEnv({})).toEqual({ percent: null, problems: [] })
    expect(ceilingOfEnv({ V2_TRAFFIC_PERCENTAGE: '' }).percent).toBeNull()
    expect(ceilingOfEnv({ V2_TRAFFIC_PERCENTAGE: '50', FEATURE_V2_TRAFFIC_PERCENTAGE: '20' }).percent).toBe(20)
    expect(ceilingOfEnv({ FEATURE_V2_TRAFFIC_PERCENTAGE: '0' }).percent).toBe(0)
    expect(problemsOf(folder.path, { V2_TRAFFIC_PERCENTAGE: 'all' })).toEqual([
      `environment: V2_TRAFFIC_PERCENTAGE: "all" is not a percentage; ${WRITE}`,
    ])
  })

  it('is told although the configuration beside it is not valid, so that v2 can still be lowered', () => {
    folder.write('gateway.yaml', 'nonsense')
    folder.write('v2_traffic_percentage', '0')
    expect(loadConfig(folder.path, {})).toMatchObject({ ok: false, ceiling: { env: null, file: 0 } })
  })

  it('is not taken for lifted because the whole directory is gone', () => {
    expect(loadConfig(join(folder.path, 'gone'), {})).toMatchObject({ ok: false, ceiling: null })
  })
})

it('has one fingerprint for one content', () => {
  folder.write('gateway.yaml', configText())
  const { fingerprint } = loadConfig(folder.path, {})
  expect(loadConfig(folder.path, {}).fingerprint).toBe(fingerprint)
  folder.write('v2_traffic_percentage', '5')
  const withCeiling = loadConfig(folder.path, {})
  expect(withCeiling.fingerprint).not.toBe(fingerprint)
  expect(withCeiling).toMatchObject({ ok: true })
})
