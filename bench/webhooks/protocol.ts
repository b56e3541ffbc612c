/** The messages between the webhooks benchmark and its receiver. */

export interface SinkSetup {
  certFile: string
  keyFile: string
  port?: number
}

export interface SinkFigures {
  taken: number
  /** Distinct ids per path, summed. */
  unique: number
  doubles: number
  outOfOrder: number
  delays: number[]
}

/** Returns the set-up in the receiver's process. */
export function setup(): SinkSetup {
  return JSON.parse(process.argv[2] ?? '{}') as SinkSetup
}
