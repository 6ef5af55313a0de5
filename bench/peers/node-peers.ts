/** The Node proxies, each in a process of its own, and a bare TCP relay as the floor. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { start } from '../lib/processes.ts'
import type { Peer } from './peer.ts'

const HERE = import.meta.dirname
const NODE_PEERS = ['http-proxy-3', '@fastify/reply-from', 'fast-proxy', 'httpxy'] as const

function versionOf(name: string): string {
  const text = readFileSync(join(HERE, '../../node_modules', name, 'package.json'), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return version
}

export function nodePeers(): Peer[] {
  return NODE_PEERS.map((name) => ({
    name,
    absent: null,
    mirrors: false,
    version: () => versionOf(name),
    start: ({ listen, v1 }) =>
      start(process.execPath, [join(HERE, 'node-server.ts'), name, String(listen), String(v1)], { NODE_ENV: 'production' }),
  }))
}

export function relay(): Peer {
  return {
    name: 'TCP relay',
    absent: null,
    mirrors: false,
    version: () => process.version,
    start: ({ listen, v1 }) => start(process.execPath, [join(HERE, 'node-server.ts'), 'relay', String(listen), String(v1)]),
  }
}
