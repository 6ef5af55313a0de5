/** What the documents name is there: files, links, commands, scripts, versions. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { loadConfig } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { anchors, blockLines, links, read, readme, root, rows, section, spans } from './texts.ts'

const RECORDS = 'src/decisions'
const records = readdirSync(join(root, RECORDS)).sort()
const documents = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', ...records.map((name) => `${RECORDS}/${name}`)]
const manifest = JSON.parse(read('package.json')) as {
  readonly name: string
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

/** A path of this repository in a code span: it begins with a folder or is a file at the top. */
function paths(text: string): string[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  return spans(text).filter((span) => {
    if (!/^[\w./-]+$/.test(span)) return false
    return folders.some(({ name }) => span.startsWith(`${name}/`)) || /^(?:Dockerfile|[A-Z]+\.md)$/.test(span)
  })
}

describe.each(documents)('%s', (document) => {
  test('every file and folder it names exists', () => {
    expect(paths(read(document)).filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('every link into the repository leads somewhere', () => {
    const broken = links(read(document)).filter((link) => {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? document : join(document, '..', path)
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !anchors(read(file)).includes(anchor)
    })
    expect(broken).toEqual([])
  })
})

test('ARCHITECTURE.md names files, and is two pages at most', () => {
  expect(paths(read('ARCHITECTURE.md')).length).toBeGreaterThan(20)
  expect(read('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(110)
})

describe('commands', () => {
  test("the README's table has every command and alias of the program, and no other", async () => {
    const cells = rows(section(readme, 'Commands')).map(([command = '', does = '']) => {
      const names = spans(command).map((span) => span.split(' ')[0] ?? '')
      return [...names, ...(/alias `(\w+)`/.exec(does)?.slice(1) ?? [])]
    })
    expect([...new Set(cells.flat())].sort()).toEqual([...(await commandsOf()).keys()].sort())
  })

  test('every call of the program in the README is one it understands', async () => {
    const known = await commandsOf()
    const lines = [...blockLines(readme), ...spans(readme)]
    const calls = lines.flatMap((line) => [...line.matchAll(/(?:^|npx )banyan ([a-z].*)$/g)].map(([, call = '']) => call))
    expect(calls.length).toBeGreaterThan(8)
    for (const call of calls) {
      const [name = '', ...words] = call.split(' ')
      const help = known.get(name)
      expect(help, `banyan ${call}`).toBeDefined()
      for (const flag of words.filter((word) => /^--?[a-z]/.test(word))) expect(help, `banyan ${call}`).toContain(flag)
    }
  })

  test("every flag of the table is in its command's help", async () => {
    const known = await commandsOf()
    for (const [cell = ''] of rows(section(readme, 'Commands')))
      for (const [name = '', ...words] of spans(cell).map((span) => span.split(/[\s[\]]+/)))
        for (const flag of words.filter((word) => /^--?[a-z]/.test(word))) expect(known.get(name), cell).toContain(flag)
  })

  test('every npm command the README gives is a script, and every script runs a file that is there', () => {
    const lines = [...blockLines(readme), ...spans(readme)]
    const scripts = lines
      .flatMap((line) => [...line.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name = '']) => name))
      .filter((name) => name !== 'ci')
    expect(scripts.length).toBeGreaterThan(3)
    expect(scripts.filter((name) => manifest.scripts[name] === undefined)).toEqual([])
    const files = Object.values(manifest.scripts).flatMap((script) => /^node (\S+)/.exec(script)?.slice(1) ?? [])
    expect([...files, ...Object.values(manifest.bin)].filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  test('the README has the two lines that are the whole start', () => {
    expect(blockLines(readme)).toEqual(expect.arrayContaining(['npm ci && npm run demo', 'npm ci && npm test']))
  })
})

/** Every name and alias → the help of its command. */
async function commandsOf(): Promise<ReadonlyMap<string, string>> {
  const named = [...(await helpOf([])).matchAll(/^ {2}([a-z]+)(?:\|([a-z]+))?(?: |$)/gm)].filter(([, name]) => name !== 'help')
  const found = new Map<string, string>()
  for (const [, name = '', alias] of named) {
    const help = await helpOf([name])
    for (const each of [name, alias]) if (each !== undefined) found.set(each, help)
  }
  return found
}

async function helpOf(command: readonly string[]): Promise<string> {
  const lines: string[] = []
  const io = { stdout: (line: string) => void lines.push(line), stderr: () => undefined, env: {}, cwd: root, exit: () => undefined }
  await run([...command, '--help'], io)
  return lines.join('\n')
}

describe('versions and examples', () => {
  test("the CHANGELOG has the package's version first", () => {
    expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(manifest.version)
    expect(readme).toContain(`banyan-gateway:${manifest.version}`)
  })

  test('the example config and the one in the README are valid, without a warning', () => {
    expect(loadConfig(join(root, 'config/'), {})).toMatchObject({ ok: true, warnings: [] })
    const [example = ''] = /(?<=^```yaml\n)[\s\S]*?(?=^```$)/m.exec(readme) ?? []
    expect(example).toContain('routes:')
    expect(parseConfig(example, 'README.md', {})).toMatchObject({ ok: true, warnings: [] })
  })

  test('the example config names every key of the config', () => {
    const example = read('config/gateway.yaml')
    const keys = rows(section(readme, 'Config keys')).flatMap(([cell = '']) => spans(cell))
    expect(keys.filter((key) => !new RegExp(`(?:^|[\\s#-])${key}:`, 'm').test(example))).toEqual([])
  })
})

describe('decision records', () => {
  test('are numbered without a gap', () => {
    expect(records.length).toBeGreaterThan(0)
    expect(records.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1])).toEqual(
      records.map((_, index) => String(index + 1).padStart(4, '0')),
    )
  })

  test.each(records)('%s is a page: context, choice, cost, and what would make us revisit it', (name) => {
    const text = read(`${RECORDS}/${name}`)
    expect(text).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. \\S`))
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(['Context', 'Choice', 'Cost', 'Revisit when'])
    expect(text.split('\n').length).toBeLessThanOrEqual(50)
  })
})
