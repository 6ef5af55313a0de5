import { describe, expect, it } from 'vitest'
import { endpointOf, pathOf, variesByShape } from '../../../src/core/diff/endpoint.ts'

describe('the endpoint of a request', () => {
  it.each([
    ['/api/orders/42', '/api/orders/:id'],
    ['/api/orders/42/items/7?expand=all', '/api/orders/:id/items/:id'],
    ['/users/3f2504e0-4f89-41d3-9a0c-0305e82c3301', '/users/:id'],
    ['/users/3f2504e04f8941d39a0c0305e82c3301', '/users/:id'],
    ['/days/2024-02-29', '/days/:id'],
    ['/months/2024-02', '/months/:id'],
    ['/days/2024-02-29T10:00:00Z', '/days/:id'],
    ['/commits/deadbeef1', '/commits/:id'],
    ['/x/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/x/:id'],
    ['/orders/order-42', '/orders/:id'],
    ['/orders/ORD_7', '/orders/:id'],
    ['/sku/AB12345', '/sku/:id'],
    ['/users/alice@example.com/profile', '/users/:id/profile'],
    ['/users/alice%40example.com', '/users/:id'],
    ['/search/two%20words', '/search/:id'],
    ['/p/a;jsessionid=ABCDEF', '/p/a'],
    ['/p;jsessionid=12345/q', '/p/q'],
    ['/p/\xe9t\xe9', '/p/:id'],
    [`/slug/${'long'.repeat(20)}`, '/slug/:id'],
    ['/', '/'],
    ['/?a=1', '/'],
    ['//a//b/', '//a//b/'],
    ['http://host:80/a/1?x', '/a/:id'],
    ['http://host', '/'],
    ['*', '*'],
  ])('%s is %s', (target, template) => expect(endpointOf('GET', target)).toBe(`GET ${template}`))

  it.each([['/api/v2/oauth2/sha2/s3'], ['/api/blue-shirts/top-10-lists'], ['/a/add/face/deadbeef']])('%s keeps its words', (target) => {
    expect(endpointOf('PUT', target)).toBe(`PUT ${target}`)
  })

  it('keys of an object are kept unless they are data', () => {
    for (const key of ['sha256', 'line_1', '@type', 'dc:title', 'Full Name', 'größe']) expect(variesByShape(key)).toBe(false)
    for (const key of ['1', '-5', '2024-01-01', '3f2504e04f8941d39a0c0305e82c3301', 'deadbeef42']) expect(variesByShape(key)).toBe(true)
  })

  it('the path of a target ends before its query', () => expect(pathOf('/a?b?c')).toBe('/a'))
})
