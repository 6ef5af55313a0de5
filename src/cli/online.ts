/** Whether the backends of a configuration answer, asked once, each endpoint within bounded time. */
import { Client } from 'undici'
import type { Backend, BackendConfig, EndpointConfig, GatewayConfig } from '../core/model/config.ts'

export interface OnlineAnswer {
  /** `backends.v2.endpoints[0]` */
  readonly where: string
  readonly url: string
  /** `http://rewrite:8000 answered GET /health with 200 in 3 ms`; empty when there is a problem. */
  readonly answer: string
  /** What is wrong and what to do; null when nothing is. */
  readonly problem: string | null
}

const TIMEOUT_MS = 3_000

export async function askBackends(config: GatewayConfig): Promise<OnlineAnswer[]> {
  const questions = (['v1', 'v2'] as const).flatMap((backend) =>
    config.backends[backend].endpoints.map((endpoint, index) => ask(backend, index, endpoint, config.backends[backend])),
  )
  return Promise.all(questions)
}

async function ask(backend: Backend, index: number, endpoint: EndpointConfig, config: BackendConfig): Promise<OnlineAnswer> {
  const where = `backends.${backend}.endpoints[${index}]`
  const { url, socketPath } = endpoint
  const path = config.probe?.path ?? '/'
  const since = performance.now()
  const client = new Client(socketPath === null ? url : 'http://localhost', {
    connect: { timeout: TIMEOUT_MS, ...(socketPath === null ? {} : { socketPath }) },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    allowH2: false,
  })
  try {
    const { statusCode, body } = await client.request({
      method: 'GET',
      path,
      headers: { 'user-agent': 'banyan-check' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    // Its head is all that was asked for; the body may have no end.
    body.on('error', () => undefined).destroy()
    const said = `${url} answered GET ${path} with ${statusCode}`
    if (config.probe !== null && statusCode >= 400)
      return {
        where,
        url,
        answer: '',
        problem: `${said}; below 400 would be healthy: correct backends.${backend}.probe.path, or remove the probe`,
      }
    return { where, url, answer: `${said} in ${Math.round(performance.now() - since)} ms`, problem: null }
  } catch (error) {
    return { where, url, answer: '', problem: `${url} ${reasonOf(error)}` }
  } finally {
    await client.destroy()
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections; start the backend, or correct the host and port',
  ENOTFOUND: 'has a host name nobody knows; correct it, or check the name server',
  EAI_AGAIN: 'has a host name that the name server did not answer for; try again, or check the name server',
  ECONNRESET: 'closed the connection without an answer; does it speak plain HTTP? Write https:// if it expects TLS',
  UND_ERR_SOCKET: 'closed the connection without an answer; does it speak plain HTTP? Write https:// if it expects TLS',
  EPROTO: 'does not speak TLS; write http:// if it is plain HTTP',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS; write http:// if it is plain HTTP',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS; write http:// if it is plain HTTP',
  ENOENT: 'is a socket that is not there; start the backend, or correct the path',
  EACCES: 'may not be opened by this user; change the permissions of the socket',
  EHOSTUNREACH: 'cannot be reached from here; check the address and the network',
  ENETUNREACH: 'cannot be reached from here; check the address and the network',
}

const NO_ANSWER = `did not answer within ${TIMEOUT_MS / 1_000} s; is it running, and does a firewall let this machine through?`

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Several addresses were tried: the first one's reason is as good as any.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.name === 'TimeoutError' || code.includes('TIMEOUT') || code === 'ETIMEDOUT') return NO_ANSWER
  if (error.name === 'HTTPParserError')
    return `answers something that is not HTTP/1.1 (${error.message}); correct the port, or write https:// if it expects TLS`
  return (
    REASONS[code] ??
    `cannot be asked: ${error.message}${/CERT|SELF_SIGNED|VERIFY/.test(code) ? '; NODE_EXTRA_CA_CERTS names more authorities to trust' : ''}`
  )
}
