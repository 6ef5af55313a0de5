/** A proxy that is measured: started on a port in front of two backends, or absent with the reason. */
import type { Running } from '../lib/processes.ts'

export interface PeerPorts {
  readonly listen: number
  readonly v1: number
  readonly v2: number
  /** A temporary folder of this peer's own. */
  readonly folder: string
}

export interface Peer {
  readonly name: string
  /** null when it can run; else why not. */
  readonly absent: string | null
  version(): string
  start(ports: PeerPorts, mirrored: boolean): Running
  /** Can send every request to a second backend as well. */
  readonly mirrors: boolean
}
