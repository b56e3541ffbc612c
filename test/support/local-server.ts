/** An HTTP server on loopback that tests start and close. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class LocalServer {
  protected readonly server: Server

  protected constructor(server: Server) {
    this.server = server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    if (!this.server.listening) return
    this.server.close()
    this.server.closeAllConnections()
    await once(this.server, 'close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
