import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { deadPort } from '../support/backends.ts'
import { runBanyan, writeConfig } from '../support/gateway.ts'

const ROUTES = `
backends:
  v1: { endpoints: [http://127.0.0.1:1] }
  v2: { endpoints: [http://127.0.0.1:2] }
routes:
  - { name: rest, match: { path: /** } }
`

function config(yaml: string): string {
  const folder = writeConfig({ yaml })
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function busyPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

describe('serve', () => {
  test('with a config that is not valid prints every problem with its place and ends with 2', async () => {
    const folder = config(`${ROUTES}\nnonsense: 1\nlimits: { lines: many }\n`)
    const { code, err, out } = await runBanyan(['serve', '--config', folder])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/gateway\.yaml:\d+:\d+: nonsense: /)
    expect(err).toMatch(/gateway\.yaml:\d+:\d+: limits\.lines: /)
    expect(err).toContain('banyan: not started: 2 problems')
  })

  test('without a config says which path it looked at, and where that came from', async () => {
    expect(await runBanyan(['serve'], { cwd: config(ROUTES) })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/\/config: file: does not exist/),
    })
    expect(await runBanyan(['serve'], { env: { BANYAN_CONFIG: '/nowhere.yaml' } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('/nowhere.yaml: file: does not exist'),
    })
  })

  test('on busy ports names both and what to do, and ends with 1', async () => {
    const [data, admin] = [await busyPort(), await busyPort()]
    const folder = config(ROUTES)
    const env = { PORT: String(data), ADMIN_PORT: String(admin) }
    const { code, err, out } = await runBanyan(['serve', '--config', folder], { env })
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toContain(`listen: 127.0.0.1:${data} is in use by another program`)
    expect(err).toContain(`admin: 127.0.0.1:${admin} is in use by another program`)
    expect(err).toContain('or PORT\n')
  })

  test('with a variable that is not set names it', async () => {
    const folder = config(ROUTES)
    writeFileSync(join(folder, 'gateway.yaml'), ROUTES.replace('http://127.0.0.1:1', '${V1_URL}'))
    expect(await runBanyan(['serve', '--config', folder], { env: { PORT: String(await deadPort()) } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('V1_URL'),
    })
  })
})
