/**
 * One request of Streamable HTTP before 2026, under the SDK's own transport for it: the handshake of its session is played to the server first,
 * which keeps nothing between requests, and what the server asks of the client goes out under an id by which the answer finds its way back.
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
  /** Of the session; undefined for clients without one. */
  handshake: McpHandshake | undefined
  requests: ClientRequests
  principalId: string
}

export class SdkLegacyWire implements Transport {
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  onmessage: Transport['onmessage']
  readonly #options: LegacyWireOptions
  /** Under which the handshake is played: its answer goes to nobody. */
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
