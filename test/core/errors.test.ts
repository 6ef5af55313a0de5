import { describe, expect, test } from 'vitest'
import { ERRORS, GatewayError } from '../../src/core/errors.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import { REJECTIONS } from '../../src/core/model/observation.ts'

const codes = Object.keys(ERRORS) as ErrorCode[]

describe('the catalogue', () => {
  test.each(codes)('%s has a status that fits whose fault it is', (code) => {
    const { source, status } = ERRORS[code]
    // A backend's fault is never 500, and what the client did wrong is 4xx or "we do not do that".
    if (source === 'upstream') expect([502, 503, 504]).toContain(status)
    else if (source === 'internal') expect([500, 503]).toContain(status)
    else expect((status >= 400 && status < 500) || [501, 505, 508].includes(status)).toBe(true)
  })

  test('has a code for every refusal that is counted', () => {
    const counted = new Set(codes.map((code) => ERRORS[code].rejection))
    for (const rejection of REJECTIONS) expect(counted).toContain(rejection)
  })
})

describe('an error', () => {
  test('carries its code, whose fault it is, and what caused it', () => {
    const cause = new Error('ECONNREFUSED')
    expect(new GatewayError('upstream_refused', 'v2 at 10.0.0.7:80 refused', cause)).toMatchObject({
      name: 'GatewayError',
      code: 'upstream_refused',
      source: 'upstream',
      status: 502,
      message: 'v2 at 10.0.0.7:80 refused',
      cause,
    })
    const plain = new GatewayError('no_route')
    expect(plain.message).toBe(ERRORS.no_route.title)
    expect('cause' in plain).toBe(false)
  })
})
