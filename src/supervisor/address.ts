/**
 * Looks whether an address can be listened on, before any thread starts.
 *
 * The data threads share their port with `reusePort`, which would also share it with a stranger of the
 * same user: two gateways, each with half of the traffic, and neither would notice. Here it is asked
 * for alone, so a busy port is an error with a name.
 */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { ListenOptions } from 'node:net'

export interface Address {
  /** Name in the config, and the variable that overrides its port. */
  readonly key: 'listen' | 'admin'
  readonly host: string
  readonly port: number
  readonly socket: string | null
}

const VARIABLE = { listen: 'PORT', admin: 'ADMIN_PORT' }

/** What is wrong with the address and what to do about it; null when it is free. */
export async function addressProblem(address: Address): Promise<string | null> {
  const { key, host, port, socket } = address
  if (socket !== null) return socketProblem(socket)
  const error = await tryToListen({ host, port })
  return error === null ? null : describe(address, error, `${key}: ${host.includes(':') ? `[${host}]` : host}:${port}`)
}

/** `::`, or `0.0.0.0` where the machine has no IPv6: the default must start everywhere. */
export async function usableHost(host: string): Promise<string> {
  if (host !== '::') return host
  const error = await tryToListen({ host, port: 0 })
  return error?.code === 'EAFNOSUPPORT' || error?.code === 'EADDRNOTAVAIL' ? '0.0.0.0' : host
}

function describe({ key, port }: Address, error: NodeJS.ErrnoException, where: string): string {
  const another = `${key}.port in the config, or ${VARIABLE[key]}`
  const code = error.code ?? ''
  if (code === 'EADDRINUSE')
    return `${where} is in use by another program; end that one (\`ss -ltnp sport = :${port}\` names it), or choose another port: ${another}`
  if (code === 'EACCES') return `${where} needs privileges this user does not have; choose a port from 1024 on: ${another}`
  if (['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND', 'EAI_AGAIN'].includes(code))
    return `${where} is no address of this machine; set ${key}.host to one it has, or to "::" for all of them`
  return `${where} cannot be listened on: ${error.message}`
}

/** The file of a gateway that was killed is in the way of its successor: removed when nobody answers there. */
async function socketProblem(path: string): Promise<string | null> {
  const error = await tryToListen({ path })
  if (error === null) return null
  if (error.code !== 'EADDRINUSE') return `listen.socket: ${path} cannot be listened on: ${error.message}`
  if (!lstatSync(path).isSocket()) return `listen.socket: ${path} exists and is no socket; choose another path`
  if (await answers(path)) return `listen.socket: ${path} is in use by another program; end that one, or choose another path`
  unlinkSync(path)
  return null
}

function tryToListen(options: ListenOptions): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ ...options, exclusive: true }, () => server.close(() => resolve(null)))
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
