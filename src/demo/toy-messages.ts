/** What the demo and a toy backend's process say to one another: over the process channel, and over HTTP. */

/** The backend's first and only word on the channel. */
export interface Listening {
  readonly port: number
}

/**
 * To the backend: should the demo be killed outright, this is yours to clear away. Only a process that outlives
 * the demo can do it.
 */
export interface Inheritance {
  readonly gatewayPid: number
  readonly folder: string
}

/** `GET /toy/seen`: the backend as a witness. Times are milliseconds since the epoch. */
export interface Witness {
  /** Requests of users, and copies. */
  readonly users: number
  readonly copies: number
  readonly lastUserAt: number | null
}

/** Answer to `PUT /toy/release`. */
export interface Deployed {
  /** From here on every answer comes from the new release. */
  readonly at: number
}
