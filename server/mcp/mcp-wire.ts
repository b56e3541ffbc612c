/** Messages of one connection, both ways, under whichever adapter. */
export interface McpWire {
  /** Resolves when the client took it. Rejects when it is gone. */
  send(frame: object): Promise<void>
  /** When the client has taken all that was sent, or is gone. */
  taken(): Promise<void>
  /** What was sent is still delivered. */
  end(): void
  /** At once. */
  cut(): void
  /** When the client is gone, or it was ended or cut. */
  readonly ended: Promise<void>
}
