/** Routes as requests meet them: by host, path, method and header, each with a word and a ledger of its own. */
import { describe, expect, it } from 'vitest'
import { get, post } from '../support/wire/client.ts'
import { value } from '../support/wire/message.ts'
import { COMPLETE, stages } from '../support/proxy/stage.ts'

const open = stages()

const ROUTES = [
  { name: 'host', match: { path: '/**', host: 'api.example.com' } },
  { name: 'six', match: { path: '/**', host: '[::1]' } },
  { name: 'orders', match: { path: '/orders/{id}', methods: ['GET'] } },
  { name: 'tenant', match: { path: '/**', header: { 'x-tenant': 'acme' } } },
].map((route) => ({ ...route, group: route.name }))

describe('a request', () => {
  it.each([
    ['GET / HTTP/1.1\r\nHost: API.Example.com:8443\r\n\r\n', 'host'],
    ['GET http://api.example.com/x HTTP/1.1\r\nHost: other\r\n\r\n', 'host'],
    ['GET http://api.example.com?x HTTP/1.1\r\nHost: other\r\n\r\n', 'host'],
    ['GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', 'six'],
    [get('/orders/7?x=/y'), 'orders'],
    [get('/a/../orders/%37'), 'orders'],
    [get('/x', 'X-Tenant: acme'), 'tenant'],
    [post('/orders/7', 'body', 'X-Tenant: acme'), 'tenant'],
    [get('/orders/7/items'), null],
    [get('/Orders/7'), null],
    [post('/orders/7', 'body'), null],
    [get('/x', 'X-Tenant: acme2'), null],
    ['GET / HTTP/1.0\r\n\r\n', null],
  ])('%j is of route %s', async (bytes, name) => {
    const stage = await open({ routes: ROUTES })
    // Only this route is v2's: the answer says whether it was chosen.
    const slot = ROUTES.findIndex((route) => route.name === name) + 1
    if (slot > 0) stage.setWord(COMPLETE, slot)
    const answer = await stage.ask(bytes)
    expect([answer.status, value(answer, 'x-banyan-backend')]).toEqual(name === null ? [404, null] : [200, 'v2'])
    if (slot > 0) expect(stage.counted('v2', slot)).toEqual({ '2xx': 1 })
  })
})
