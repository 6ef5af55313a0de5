import { afterEach, describe, expect, it } from 'vitest'
import { openNotes } from '../../src/control/notes.ts'
import { createResolver } from '../../src/control/resolver.ts'
import type { Endpoints, Resolver, ResolverOptions } from '../../src/control/resolver.ts'
import type { Backend, BackendConfig, EndpointConfig } from '../../src/core/model/config.ts'
import { CONTROL_NOTES_CELLS, MAX_ENDPOINTS } from '../../src/core/model/routing.ts'
import { until } from '../support/wire/until.ts'

function endpoint(text: string): EndpointConfig {
  if (text.startsWith('unix:')) return { url: text, tls: false, host: '', port: 0, socketPath: text.slice(5) }
  const url = new URL(text)
  const tls = url.protocol === 'https:'
  return { url: text, tls, host: url.hostname, port: Number(url.port || (tls ? 443 : 80)), socketPath: null }
}

function backends(v1: readonly string[], v2: readonly string[]): Readonly<Record<Backend, BackendConfig>> {
  const config = (urls: readonly string[]): BackendConfig => ({ endpoints: urls.map(endpoint), probe: null, strict: false })
  return { v1: config(v1), v2: config(v2) }
}

const opened: Resolver[] = []
afterEach(() => {
  for (const resolver of opened.splice(0)) resolver.close()
})

function resolver(options: Partial<ResolverOptions>, notes = new SharedArrayBuffer(4 * CONTROL_NOTES_CELLS)): Resolver {
  const made = createResolver({ ids: openNotes(notes).endpoints, now: () => 0, onChange: () => {}, intervalMs: 1e6, ...options })
  opened.push(made)
  return made
}

const addresses = (endpoints: Endpoints, backend: Backend = 'v1'): readonly string[] => endpoints[backend].map((e) => e.address)

describe('the resolver', () => {
  it('publishes every address of a name, literals and socket paths as they are, and asks no one about those', async () => {
    const asked: string[] = []
    const answer = (host: string): Promise<readonly string[]> => {
      asked.push(host)
      return Promise.resolve(['10.0.0.2', '10.0.0.1', '10.0.0.2'])
    }
    const found = await resolver({ lookup: answer }).use(
      backends(['http://legacy:8000', 'http://127.0.0.1:81', 'unix:/run/v1.sock'], ['https://[::1]:8443', 'https://rewrite']),
    )
    expect(asked.toSorted()).toEqual(['legacy', 'rewrite'])
    expect(found.v1.map(({ authority, address, port, socketPath }) => ({ authority, address, port, socketPath }))).toEqual([
      { authority: 'legacy:8000', address: '10.0.0.1', port: 8000, socketPath: null },
      { authority: 'legacy:8000', address: '10.0.0.2', port: 8000, socketPath: null },
      { authority: '127.0.0.1:81', address: '127.0.0.1', port: 81, socketPath: null },
      { authority: 'localhost', address: '', port: 0, socketPath: '/run/v1.sock' },
    ])
    expect(found.v2.map(({ authority, serverName, tls, address }) => ({ authority, serverName, tls, address }))).toEqual([
      { authority: '[::1]:8443', serverName: '::1', tls: true, address: '::1' },
      { authority: 'rewrite', serverName: 'rewrite', tls: true, address: '10.0.0.1' },
      { authority: 'rewrite', serverName: 'rewrite', tls: true, address: '10.0.0.2' },
    ])
    const ids = [...found.v1, ...found.v2].map((each) => each.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('keeps the last answer of a name that stops resolving, says so, and forgets the problem when it is over', async () => {
    let answer: () => Promise<readonly string[]> = () => Promise.resolve(['10.0.0.1'])
    let changes = 0
    let asked = 0
    const lookup = (): Promise<readonly string[]> => {
      asked++
      return answer()
    }
    const made = resolver({ lookup, intervalMs: 5, onChange: () => changes++ })
    expect(addresses(await made.use(backends(['http://legacy'], ['http://10.9.9.9'])))).toEqual(['10.0.0.1'])
    answer = () => Promise.reject(new Error('EAI_AGAIN'))
    await until('the failure is noticed', () => made.problems().length === 1)
    expect(made.problems()[0]).toMatch(/legacy does not resolve: EAI_AGAIN; its last addresses stay in use/)
    expect(addresses(made.current())).toEqual(['10.0.0.1'])
    answer = () => Promise.resolve([])
    const before = asked
    await until('an empty answer was seen', () => asked > before + 1)
    expect(addresses(made.current())).toEqual(['10.0.0.1'])
    answer = () => Promise.resolve(['10.0.0.1'])
    await until('it is over', () => made.problems().length === 0)
    expect(changes).toBe(0)
  })

  it('tells of a change once, with an id of its own for the new address and the old one for the old', async () => {
    let answer: readonly string[] = ['10.0.0.1']
    const changes: Endpoints[] = []
    const made = resolver({ lookup: () => Promise.resolve(answer), intervalMs: 5, onChange: (next) => changes.push(next) })
    const before = await made.use(backends(['http://legacy'], ['http://10.9.9.9']))
    answer = ['10.0.0.1', '10.0.0.3']
    await until('the change is told', () => changes.length > 0)
    expect(addresses(changes[0]!)).toEqual(['10.0.0.1', '10.0.0.3'])
    expect(changes[0]!.v1[0]!.id).toBe(before.v1[0]!.id)
    expect([before.v1[0]!.id, before.v2[0]!.id]).not.toContain(changes[0]!.v1[1]!.id)
    expect(changes.length).toBe(1)
  })

  it('answers in bounded time when the name server hangs, and goes on without that name', async () => {
    const hanging = (): Promise<readonly string[]> => new Promise(() => {})
    const made = resolver({ lookup: hanging, timeoutMs: 20 })
    const found = await made.use(backends(['http://legacy'], ['http://10.9.9.9']))
    expect(addresses(found)).toEqual([])
    expect(addresses(found, 'v2')).toEqual(['10.9.9.9'])
    expect(made.problems()).toEqual(['endpoint name legacy does not resolve: no answer within 20 ms'])
  })

  it('gives every address its old id after control was rebuilt', async () => {
    const notes = new SharedArrayBuffer(4 * CONTROL_NOTES_CELLS)
    const first = await resolver({}, notes).use(backends(['http://10.0.0.1', 'http://10.0.0.2'], ['http://10.0.0.3']))
    const second = await resolver({}, notes).use(backends(['http://10.0.0.2'], ['http://10.0.0.4', 'http://10.0.0.3']))
    expect(second.v1[0]!.id).toBe(first.v1[1]!.id)
    expect(second.v2[1]!.id).toBe(first.v2[0]!.id)
    expect([...first.v1, ...first.v2].map((e) => e.id)).not.toContain(second.v2[0]!.id)
  })

  it('takes an id from its address only after ten minutes without use, and names what it leaves out until then', async () => {
    let now = 0
    const made = resolver({ now: () => now })
    const all = Array.from({ length: MAX_ENDPOINTS }, (_, index) => `http://10.1.${index >> 4}.${index & 15}`)
    const first = await made.use(backends(all.slice(1), all.slice(0, 1)))
    expect(new Set([...first.v1, ...first.v2].map((e) => e.id)).size).toBe(MAX_ENDPOINTS)

    const moved = backends([...all.slice(2), 'http://10.2.0.1'], all.slice(0, 1))
    expect(addresses(await made.use(moved))).not.toContain('10.2.0.1')
    expect(made.problems()).toEqual([expect.stringContaining('http://10.2.0.1 at 10.2.0.1 is left out')])
    now = 601_000
    const later = await made.use(moved)
    expect(later.v1.at(-1)!.address).toBe('10.2.0.1')
    expect(later.v1.at(-1)!.id).toBe(first.v1[0]!.id)
    expect(made.problems()).toEqual([])
  })
})
