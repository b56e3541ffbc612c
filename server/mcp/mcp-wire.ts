/** Messages of one connection in both directions, whichever adapter uses it. */
export interface McpWire {
  /** Resolves once the client has accepted the frame. Rejects when the client is gone. */
  send(frame: object): Promise<void>
  /** Resolves when the client has accepted everything sent, or is gone. */
  taken(): Promise<void>
  /** Ends after delivering what was sent. */
  end(): void
  /** Ends immediately. */
  cut(): void
  /** Resolves when the client is gone, or it was ended or cut. */
  readonly ended: Promise<void>
}
