/** What the bench of webhooks and its receiver tell each other. */

export interface SinkSetup {
  certFile: string
  keyFile: string
  port?: number
}

export interface SinkFigures {
  taken: number
  /** Different ids of each path, summed. */
  unique: number
  doubles: number
  outOfOrder: number
  delays: number[]
}

/** In the process of the receiver. */
export function setup(): SinkSetup {
  return JSON.parse(process.argv[2] ?? '{}') as SinkSetup
}
