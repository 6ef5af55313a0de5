/** The README's reference says what the program knows: no name is missing, none is made up, numbers agree. */
import { describe, expect, test } from 'vitest'
import { ADMIN_ERRORS } from '../../src/admin/problem.ts'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { REFUSALS } from '../../src/core/control/refusals.ts'
import { ERRORS } from '../../src/core/errors.ts'
import { LEDGER_METRICS } from '../../src/telemetry/ledger-metrics.ts'
import { METRIC_NAMES } from '../../src/telemetry/metrics.ts'
import { STATE_METRICS } from '../../src/telemetry/state-metrics.ts'
import { read, readme, rows, section, spans } from './texts.ts'

describe('error codes', () => {
  const catalogue = new Map(
    [ERRORS, ADMIN_ERRORS, REFUSALS].flatMap((codes) =>
      Object.entries(codes).map(([code, kind]: [string, number | { readonly status: number }]): [string, number] => [
        code,
        typeof kind === 'number' ? kind : kind.status,
      ]),
    ),
  )
  const documented = rows(section(readme, 'Error codes')).flatMap((cells) =>
    cells.flatMap((cell, index): [string, number][] =>
      index % 2 === 0 && cell !== '' ? [[cell.replaceAll('`', ''), Number(cells[index + 1])]] : [],
    ),
  )

  test('every code is there with its status, and no other', () => {
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(catalogue))
  })

  test('each catalogue is whole: a code that two of them have is there twice', () => {
    const count = [ERRORS, ADMIN_ERRORS, REFUSALS].reduce((sum, codes) => sum + Object.keys(codes).length, 0)
    expect(documented).toHaveLength(count)
  })
})

describe('metrics', () => {
  const documented = rows(section(readme, 'Metrics')).flatMap(([cell = '']) => spans(cell))

  test('every metric is there with its labels, and no other', () => {
    const labelled = new Map([...LEDGER_METRICS, ...STATE_METRICS].map(({ name, labels }) => [name, labels]))
    labelled.set('banyan_request_duration_seconds', ['route', 'backend'])
    const expected = METRIC_NAMES.map((name) => {
      const labels = labelled.get(name) ?? []
      return labels.length === 0 ? name : `${name}{${labels.join(',')}}`
    })
    expect([...documented].sort()).toEqual([...expected].sort())
  })
})

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly default?: unknown
}

interface Key {
  readonly name: string
  readonly default: unknown
}

/** Every key below a schema, whatever its depth. */
function keysBelow({ properties = {}, items, anyOf = [] }: Schema): Key[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => [{ name, default: schema.default }, ...keysBelow(schema)])
  return [...own, ...(items === undefined ? [] : keysBelow(items)), ...anyOf.flatMap(keysBelow)]
}

describe('config keys', () => {
  const schema = jsonSchema() as Schema
  const { routes, defaults, ...top } = schema.properties ?? {}
  const ofRoute = routes?.items?.properties ?? {}
  const tables = section(readme, 'Config keys').split('\nA route:')
  /** Key → the text of its row. `allow` and `deny` share one. */
  const documented = tables.map(
    (table) => new Map(rows(table).flatMap((cells) => spans(cells[0] ?? '').map((key) => [key, cells.join(' | ')]))),
  )
  const cases = [
    ...Object.entries(top).map(([key, value]) => ({ key, schema: value, row: documented[0]?.get(key) ?? '' })),
    ...Object.entries(ofRoute).map(([key, value]) => ({ key, schema: value, row: documented[1]?.get(key) ?? '' })),
  ]

  test('every key of the gateway and of a route has its row, and no row is made up', () => {
    expect([...(documented[0]?.keys() ?? [])].sort()).toEqual(Object.keys(schema.properties ?? {}).sort())
    expect([...(documented[1]?.keys() ?? [])].sort()).toEqual(Object.keys(ofRoute).sort())
    expect(Object.keys(defaults?.properties ?? {}).filter((key) => !(key in ofRoute))).toEqual([])
  })

  test.each(cases)('the row of $key names every key inside it', ({ schema: inside, row }) => {
    const code = spans(row).join(' ')
    expect(keysBelow(inside).filter(({ name }) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(code))).toEqual([])
  })

  test.each(cases)('the row of $key gives the defaults that the program has', ({ key, schema: inside, row }) => {
    const own = { name: key, default: inside.default }
    const wrong = [...keysBelow(inside), own].filter((each) => {
      if (each.default === null || each.default === undefined || (typeof each.default === 'object' && !Array.isArray(each.default)))
        return false
      const value = flowText(each.default)
      return each === own ? !row.includes(value) : !row.includes(`${each.name}: ${value}`)
    })
    expect(wrong).toEqual([])
  })

  test('every variable that overrides the file is named', () => {
    const names = read('src/config/env.ts').match(/'[A-Z][A-Z0-9_]{3,}'/g) ?? []
    expect(names.length).toBeGreaterThan(5)
    for (const name of names) expect(readme).toContain(`\`${name.slice(1, -1)}\``)
  })
})

/** As one would write it in YAML's flow form. */
function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (value !== null && typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${flowText(inner)}`)
      .join(', ')} }`
  return value === '::' ? '"::"' : String(value)
}
