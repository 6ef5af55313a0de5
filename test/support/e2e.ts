/** What end-to-end tests share: a config for two test backends, steady traffic, the admin API. */
import { Pool } from 'undici'
import type { Backend } from './backends.ts'
import type { Gateway } from './gateway.ts'

export function yamlFor(v1: Backend, v2: Backend, route: string, extra = ''): string {
  return `name: e2e
logLevel: info
backends:
  v1: { endpoints: ['${v1.url}'] }
  v2: { endpoints: ['${v2.url}'] }
drain: { delay: 0s, grace: 3s }
sticky: [{ header: x-user-id }]
${extra}
routes:
  - name: all
    match: { path: /** }
${route
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
`
}

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** One call of the admin API. */
export async function api(gateway: Pick<Gateway, 'adminUrl'>, method: string, path: string, body?: object): Promise<Answer> {
  const answer = await fetch(`${gateway.adminUrl}/api/v1/${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

export interface Traffic {
  readonly answers: Record<string, number>
  readonly failures: string[]
  finished: number
  stop(): Promise<void>
}

/** GETs of many users at a steady pace until stopped; what fails is kept. */
export function startTraffic(port: number, perSecond = 200, users = 200): Traffic {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 32, allowH2: false })
  const running = new Set<Promise<void>>()
  const traffic: Traffic = { answers: {}, failures: [], finished: 0, stop }
  let sent = 0
  const began = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1_000) * perSecond
    while (sent < due) {
      const one = ask(sent++)
      running.add(one)
      void one.finally(() => running.delete(one))
    }
  }, 10)

  async function ask(index: number): Promise<void> {
    try {
      const answer = await pool.request({ path: `/items/${index % 50}`, method: 'GET', headers: { 'x-user-id': `user-${index % users}` } })
      await answer.body.dump()
      const backend = String(answer.headers['x-banyan-backend'])
      traffic.answers[backend] = (traffic.answers[backend] ?? 0) + 1
      if (answer.statusCode !== 200) traffic.failures.push(`status ${answer.statusCode}`)
    } catch (error) {
      traffic.failures.push(String(error))
    }
    traffic.finished++
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    await Promise.all(running)
    await pool.close()
  }
  return traffic
}
