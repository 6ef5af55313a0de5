/** X-Forwarded-*, X-Real-IP and Forwarded: what an untrusted peer may not say, and what a trusted one may. */
import { networkInterfaces } from 'node:os'
import { describe, expect, it } from 'vitest'
import { get } from '../support/wire/client.ts'
import { useGateway } from '../support/wire/fixture.ts'
import { value, values, type Message } from '../support/wire/message.ts'

const CLAIMS = [
  'X-Forwarded-For: 9.9.9.9, 10.0.0.7',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: said.example',
  'X-Forwarded-Port: 444',
  'X-Real-IP: 9.9.9.9',
  'Forwarded: for=9.9.9.9;proto=https',
]

const seen = (request: Message): Record<string, string[]> =>
  Object.fromEntries(
    ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-real-ip', 'forwarded'].map((name) => [
      name,
      values(request, name),
    ]),
  )

describe('an untrusted peer', () => {
  const gateway = useGateway()

  it('gets its own address written over whatever it claims', async () => {
    const { request } = await gateway.exchange(get('/', ...CLAIMS), undefined, { from: '127.0.0.2' })
    expect(seen(request)).toEqual({
      'x-forwarded-for': ['127.0.0.2'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': ['a'],
      'x-forwarded-port': [expect.stringMatching(/^\d+$/)],
      'x-real-ip': ['127.0.0.2'],
      forwarded: [],
    })
    expect(value(request, 'x-forwarded-port')).not.toBe('444')
  })

  it('cannot hide a claim in a second line, in another case or behind an underscore', async () => {
    const lines = [
      'x-FORWARDED-for: 1.1.1.1',
      'X-Forwarded-For: 2.2.2.2',
      'X_FORWARDED_FOR: 3.3.3.3',
      'x-real-ip: 4.4.4.4',
      'X-REAL-IP: 5.5.5.5',
    ]
    const { request } = await gateway.exchange(get('/', ...lines))
    expect([values(request, 'x-forwarded-for'), values(request, 'x-real-ip')]).toEqual([['127.0.0.1'], ['127.0.0.1']])
    expect(gateway.backend.text).not.toMatch(/1\.1\.1\.1|2\.2\.2\.2|3\.3\.3\.3|4\.4\.4\.4|5\.5\.5\.5/)
  })

  it('cannot have them removed by Connection', async () => {
    const { request } = await gateway.exchange(get('/', 'Connection: x-forwarded-for, x-real-ip, x-forwarded-proto, x-banyan-hop'))
    expect([values(request, 'x-forwarded-for'), values(request, 'x-forwarded-proto')]).toEqual([['127.0.0.1'], ['http']])
    expect(values(request, 'x-banyan-hop')).toEqual(['banyan'])
  })

  it('is told apart from others on the same upstream connection', async () => {
    const first = await gateway.exchange(get('/'), undefined, { from: '127.0.0.2' })
    const second = await gateway.exchange(get('/'), undefined, { from: '127.0.0.3' })
    expect([value(first.request, 'x-real-ip'), value(second.request, 'x-real-ip')]).toEqual(['127.0.0.2', '127.0.0.3'])
  })

  it('sends absolute-form: its authority is the forwarded host', async () => {
    const { request } = await gateway.exchange('GET http://b:81/ HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(value(request, 'x-forwarded-host')).toBe('b:81')
  })
})

describe('a trusted peer', () => {
  const gateway = useGateway({ config: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } })

  it('is appended to X-Forwarded-For, and the rest of what it says is kept', async () => {
    const { request } = await gateway.exchange(get('/', ...CLAIMS), undefined, { from: '127.0.0.2' })
    const forwarded = values(request, 'forwarded').join(', ')
    expect({ ...seen(request), forwarded: [] }).toEqual({
      'x-forwarded-for': ['9.9.9.9, 10.0.0.7, 127.0.0.2'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['said.example'],
      'x-forwarded-port': ['444'],
      'x-real-ip': ['9.9.9.9'],
      forwarded: [],
    })
    expect(forwarded).toMatch(/^for=9\.9\.9\.9;proto=https/)
    expect(forwarded).toContain('127.0.0.2')
  })

  it('that says nothing has everything set for it', async () => {
    const { request } = await gateway.exchange(get('/'))
    expect(seen(request)).toMatchObject({
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': ['a'],
      'x-real-ip': ['127.0.0.1'],
    })
  })

  it('that sent two X-Forwarded-For lines: they are read as one list, and the peer comes last', async () => {
    const { request } = await gateway.exchange(get('/', 'X-Forwarded-For: 9.9.9.9', 'X-Forwarded-For: 8.8.8.8'))
    expect(values(request, 'x-forwarded-for').join(', ')).toBe('9.9.9.9, 8.8.8.8, 127.0.0.1')
  })

  it('never makes lists of the fields that hold one value', async () => {
    const { request } = await gateway.exchange(get('/', 'X-Forwarded-Proto: https', 'X-Real-IP: 9.9.9.9', 'X-Forwarded-Host: h'))
    for (const name of ['x-forwarded-proto', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-port']) {
      expect(values(request, name).length, name).toBe(1)
      expect(value(request, name), name).not.toContain(',')
    }
  })
})

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))

describe.skipIf(!hasIPv6)('over IPv6 (a host that has ::1)', () => {
  const gateway = useGateway({ listenHost: '::' })

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
  ])('a client at %s is written as %s', async (host, wanted) => {
    const { request } = await gateway.exchange(get('/'), undefined, { host })
    expect([values(request, 'x-forwarded-for'), values(request, 'x-real-ip')]).toEqual([[wanted], [wanted]])
  })
})

describe('with via: true', () => {
  const gateway = useGateway({ config: { via: true } })

  it('our name is appended to Via on the way there', async () => {
    const { request } = await gateway.exchange(get('/', 'Via: 1.0 fred'))
    expect(values(request, 'via').join(', ')).toBe('1.0 fred, 1.1 banyan')
  })
})
