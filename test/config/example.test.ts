/** What ships for people and editors: the commented example and the JSON Schema. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { jsonSchema, keysAt, placesOf } from '../../src/config/json-schema.ts'
import type { GatewayConfig } from '../../src/core/model/config.ts'
import { configText, parsed, problemsOf, warningsOf } from '../support/config-files.ts'

const read = (name: string): string => readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')
const EXAMPLE = read('gateway.yaml')
const ENV = {
  ONCALL_TOKEN: 'x'.repeat(20),
  DEBUG_SECRET: 'd',
  FORCE_SECRET: 'f',
  SLACK_URL: 'https://s',
  PAGERDUTY_KEY: 'p',
  HOOK_SECRET: 'h',
}

/** Takes the # away from every setting, or from those only whose line does not say "example". */
function withSettings(which: 'all' | 'defaults'): string {
  let hidden = -1
  return EXAMPLE.split('\n')
    .map((line) => {
      const [, indent = '', setting] = /^( *)#((?: {2,})?(?:- )?(?:\{|[A-Za-z0-9]+:).*)/.exec(line) ?? []
      if (setting === undefined) return line
      const depth = `${indent}${setting}`.search(/\S/)
      if (hidden >= 0 && depth > hidden) return ''
      hidden = which === 'defaults' && setting.includes('# example') ? depth : -1
      return hidden >= 0 ? '' : indent + setting
    })
    .join('\n')
}

describe('the example', () => {
  it('is valid as it is, without a warning and without any variable', () => {
    expect(warningsOf(EXAMPLE)).toEqual([])
  })

  it('is valid with every setting taken out of its comment', () => {
    expect(problemsOf(withSettings('all'), ENV)).toEqual([])
    expect(withSettings('all')).not.toMatch(/^ *#[A-Za-z]/m)
  })

  it('shows defaults that are the defaults', () => {
    const shown = parsed(withSettings('defaults'), ENV)
    const plain: GatewayConfig = parsed(EXAMPLE)
    expect(withSettings('defaults')).not.toBe(EXAMPLE)
    expect(shown).toEqual(plain)
  })

  it('shows every section and every setting of a route', () => {
    const all = parse(withSettings('all')) as { routes: object[]; defaults: object }
    expect(Object.keys(all).sort()).toEqual([...(keysAt([]) ?? [])].sort())
    expect([...new Set([...Object.keys(all.routes[0] ?? {}), ...Object.keys(all.defaults)])].sort()).toEqual(
      [...(keysAt(['routes', 0]) ?? [])].sort(),
    )
  })

  it('tells editors where the schema is', () => {
    expect(EXAMPLE.split('\n')[0]).toBe('# yaml-language-server: $schema=./schema.json')
  })
})

describe('the JSON Schema', () => {
  it('that ships is the one of this code (write it anew with the command init, or from jsonSchema())', () => {
    expect(JSON.parse(read('schema.json'))).toEqual(JSON.parse(JSON.stringify(jsonSchema())))
  })

  const schema = z.fromJSONSchema(JSON.parse(read('schema.json')) as z.core.JSONSchema.JSONSchema)
  const accepts = (text: string): boolean => schema.safeParse(parse(text)).success

  it('accepts what the gateway accepts', () => {
    for (const text of [EXAMPLE, configText(), withSettings('all')]) expect(accepts(text)).toBe(true)
    for (const more of [
      'pool: { idle: "${IDLE}", queue: "${QUEUE}" }',
      'limits: { body: 0, head: 32KiB, hold: 1024 }',
      'drain: { delay: 0 }',
      'listen: { threads: auto, tls: null }',
    ])
      expect(accepts(configText(more)), more).toBe(true)
  })

  test.each([
    'vai: true',
    'pool: { idle: 4 }',
    'pool: { idle: 4 s }',
    'pool: { queue: many }',
    'listen: { threads: some }',
    'logLevel: loud',
    'sticky: {}',
    'backends: {}',
    'defaults: { stage: live }',
  ])('refuses %s, as the gateway does', (more) => {
    const text = configText(more).replace(/^backends: \{ v1.*\n/, (line) => (more.startsWith('backends') ? '' : line))
    expect(accepts(text)).toBe(false)
    expect(problemsOf(text)).not.toEqual([])
  })

  it('has a description for every setting', () => {
    const bare: string[] = []
    const look = (node: z.core.JSONSchema.JSONSchema, path: string): void => {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        if (typeof child !== 'object') continue
        const texts = [child.description, ...(child.anyOf ?? []).map((form) => form.description)]
        if (
          child.properties === undefined &&
          texts.every((text) => text === undefined) &&
          child.items === undefined &&
          !(child.anyOf ?? []).some((form) => form.properties)
        )
          bare.push(`${path}${key}`)
        look(child, `${path}${key}.`)
      }
    }
    look(jsonSchema() as z.core.JSONSchema.JSONSchema, '')
    expect(bare).toEqual([])
  })
})

test('the places of a key are told shallow ones first', () => {
  expect(placesOf('path')).toEqual([
    'store.path',
    'backends.v1.probe.path',
    'backends.v2.probe.path',
    'routes[].match.path',
    'defaults.compare.arrays[].path',
    'defaults.compare.tolerance[].path',
    'routes[].compare.arrays[].path',
    'routes[].compare.tolerance[].path',
  ])
  expect(placesOf('nothing')).toEqual([])
  expect(keysAt(['admin', 'tokens', 3])).toEqual(['name', 'role', 'token'])
  expect(keysAt(['admin', 'port'])).toBeNull()
  expect(keysAt(['nowhere', 0])).toBeNull()
})
