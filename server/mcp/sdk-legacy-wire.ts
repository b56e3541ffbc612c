/**
 * Wraps the SDK's transport for one request of Streamable HTTP before 2026. The session's handshake is replayed to the
 * server first, which keeps no state between requests; and requests to the client are sent under an id by which their
 * response finds its way back.
 */

import { randomBytes } from 'node:crypto'
import type {
  JSONRPCMessage,
  Transport,
  TransportSendOptions,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { ClientRequests } from './client-requests.ts'
import type { McpHandshake } from './http-sessions.ts'

export interface LegacyWireOptions {
  inner: WebStandardStreamableHTTPServerTransport
  /** The session's handshake; undefined for clients without a session. */
  handshake: McpHandshake | undefined
  requests: ClientRequests
  principalId: string
}

export class SdkLegacyWire implements Transport {
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  onmessage: Transport['onmessage']
  readonly #options: LegacyWireOptions
  /** Id of the replayed handshake, whose response is dropped. */
  readonly #played = `played-${randomBytes(8).toString('base64url')}`
  readonly #isPlayed = Promise.withResolvers<void>()
  readonly #asked = new Set<string>()

  constructor(options: LegacyWireOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { inner, handshake } = this.#options
    inner.onclose = () => {
      for (const id of this.#asked) this.#options.requests.forget(id)
      this.onclose?.()
    }
    inner.onerror = error => this.onerror?.(error)
    inner.onmessage = (message, extra) => this.onmessage?.(message, extra)
    await inner.start()
    if (!handshake) return
    const { revision, peer, capabilities } = handshake
    const clientInfo = peer ?? { name: 'unknown', version: '0' }
    const params = { protocolVersion: revision, capabilities, clientInfo }
    this.onmessage?.({ jsonrpc: '2.0', id: this.#played, method: 'initialize', params } as JSONRPCMessage)
    await this.#isPlayed.promise
  }

  setSupportedProtocolVersions(versions: string[]): void {
    this.#options.inner.setSupportedProtocolVersions(versions)
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const isAnswer = !('method' in message)
    if (isAnswer && message.id === this.#played) return this.#isPlayed.resolve()
    const isAsking = 'method' in message && 'id' in message
    const { relatedRequestId } = options ?? {}
    const related = relatedRequestId === undefined ? undefined : { relatedRequestId }
    await this.#options.inner.send(isAsking ? this.#renamed(message) : message, related)
  }

  close(): Promise<void> {
    return this.#options.inner.close()
  }

  #renamed<Message extends { id: string | number }>(message: Message): Message {
    const { requests, principalId } = this.#options
    const id = requests.add(principalId, response => {
      this.#asked.delete(id)
      this.onmessage?.({ ...response, id: message.id } as JSONRPCMessage)
    })
    this.#asked.add(id)
    return { ...message, id }
  }
}
