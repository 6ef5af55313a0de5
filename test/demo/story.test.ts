import { describe, expect, it } from 'vitest'
import { isDeaf, startDemo } from './demo-process.ts'

const STORY_MS = 60_000
const GATEWAY = /reads a second to\s+(http:\/\/127\.0\.0\.1:\d+)/

describe('the demo', () => {
  it('tells the whole story, every claim measured true, and stays until Ctrl-C', { timeout: STORY_MS + 20_000 }, async () => {
    const demo = startDemo('--quick', '--stay')
    await demo.said(/Ctrl-C ends everything/, STORY_MS)
    const told = demo.out()
    for (const sentence of KEY_LINES) expect(told).toMatch(sentence)
    expect(told).not.toContain('NOT TRUE')
    // Nobody is at a terminal here.
    const lines = told.slice(0, told.indexOf('It stays')).split('\n')
    expect(lines.filter((line) => line.length > 100 || /[\u0000-\u001f\u007f]/.test(line))).toEqual([])
    const gateway = GATEWAY.exec(told)?.[1] ?? ''
    const answer = await fetch(`${gateway}/api/orders/1017`, { headers: { 'x-user-id': 'ada-1' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('x-banyan-backend')).toMatch(/^v[12]$/)
    demo.signal('SIGINT')
    expect(await demo.ended()).toBe(0)
    expect(demo.leftovers()).toEqual([])
    expect(await isDeaf(gateway)).toBe(true)
  })
})

const KEY_LINES = [
  /\/lines\/\*\/amount {2}value {2}\d+ of [\d,]+/,
  /v1 says 14\.73, v2 says 14\.72/,
  /further comparisons, 0 mismatches/,
  /backend +answers +share +users +failed/,
  /✓ [a-z]+-\d+ gets v2, and the bucket is the reason/,
  /the judge: "v2 failed \d+ of \d+ requests/,
  /the weight is 0 for all 2 data threads, [\d.]+ ms after\s+the verdict/,
  /✓ [\d,]+ requests sent since zero, 0 of them given to v2/,
  /✓ \d+ requests failed by v2 were answered by v1/,
  /✓ [a-z]+-\d+ gets v1 now, and the latch is the reason/,
  /✓ orders: configured 10 %, effective 0 %, held by the latch/,
  /✓ status: killed, ceiling 0 % by the file/,
  /✓ the ceiling is 100 %, the global latch stays/,
  /rearm orders --to 10 --reason '[^']+' --force/,
  /✓ orders is back/,
  /✓ client errors: 0/,
  /claims, all measured true, in \d+ s\./,
]
