/** One address of a backend as operators write it: `http://host:port`, `https://host`, `unix:/path`. */
import { isIP } from 'node:net'
import type { EndpointConfig } from '../core/model/config.ts'
import { Wrong } from './field.ts'

const WRITE = 'http://host:port, https://host:port or unix:/path/of.sock'
/** A socket path that does not fit sockaddr_un is cut by the kernel: 108 bytes with the NUL, 104 on macOS. */
const MAX_SOCKET_PATH = 103

export function readEndpoint(raw: unknown): EndpointConfig | Wrong | undefined {
  if (typeof raw !== 'string' || raw === '') return undefined
  if (raw.startsWith('unix:')) return socketEndpoint(raw)
  const url = URL.canParse(raw) ? new URL(raw) : null
  if (url === null || url.host === '' || !/^[a-z]+:\/\//i.test(raw)) return bareHost(raw)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return new Wrong(`the scheme ${url.protocol}// is not known here; write ${WRITE}`)
  if (url.username !== '' || url.password !== '')
    return new Wrong(
      `an endpoint has no user or password; write ${url.protocol}//${url.host}, and let v1 and v2 see the client's own credentials`,
    )
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    return new Wrong(`an endpoint is an address without a path: requests keep their own; write ${url.protocol}//${url.host}`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (!isHost(host)) return new Wrong(`${JSON.stringify(host)} is no host name or address; write ${WRITE}`)
  const tls = url.protocol === 'https:'
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  if (port === 0) return new Wrong('port 0 cannot be connected to; write the port the backend listens on')
  return { url: `${url.protocol}//${url.host}`, tls, host, port, socketPath: null }
}

function socketEndpoint(raw: string): EndpointConfig | Wrong {
  const path = raw.slice('unix:'.length).replace(/^\/\/\//, '/')
  if (!path.startsWith('/')) return new Wrong(`${JSON.stringify(raw)} is no absolute path; write unix:/path/of.sock`)
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    return new Wrong(`the socket path has ${Buffer.byteLength(path)} bytes; no system takes more than ${MAX_SOCKET_PATH}`)
  return { url: `unix:${path}`, tls: false, host: '', port: 0, socketPath: path }
}

function bareHost(raw: string): Wrong | undefined {
  return /^[A-Za-z0-9._-]+(?::[0-9]+)?$/.test(raw) ? new Wrong(`${JSON.stringify(raw)} has no scheme; write http://${raw}`) : undefined
}

/** A name as DNS and hosts files have them (`_` included: compose and Windows use it), or an address. */
export function isHost(host: string): boolean {
  return (
    isIP(host) !== 0 ||
    (host.length <= 253 &&
      /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$/.test(host))
  )
}

export const ENDPOINT_WRITE = WRITE
