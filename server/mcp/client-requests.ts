/**
 * Requests to clients before 2026 (Streamable HTTP): they are sent on the stream of a call, and their responses arrive
 * as requests of their own.
 */
import { randomBytes } from 'node:crypto'

/** A JSON-RPC response, with `result` or `error`. */
export interface ClientResponse {
  jsonrpc: '2.0'
  id: string | number
  result?: Record<string, unknown>
  error?: { code: number; message: string; data?: unknown }
}

interface Waiting {
  principalId: string
  take(response: ClientResponse): void
}

/** Requests waiting for a response, per process; past it `add` throws. */
const maxWaiting = 1000

export class ClientRequests {
  readonly #waiting = new Map<string, Waiting>()

  /** @returns The unguessable id under which the request is sent. @throws Error when too many wait already. */
  add(principalId: string, take: (response: ClientResponse) => void): string {
    if (this.#waiting.size >= maxWaiting)
      throw new Error(`${maxWaiting} requests to clients are already waiting for an answer`)
    const id = `ask-${randomBytes(16).toString('base64url')}`
    this.#waiting.set(id, { principalId, take })
    return id
  }

  /** @returns Whether the response was waited for, by the same principal. */
  answer(principalId: string, response: ClientResponse): boolean {
    const waiting = this.#waiting.get(String(response.id))
    if (waiting?.principalId !== principalId) return false
    this.#waiting.delete(String(response.id))
    waiting.take(response)
    return true
  }

  /** Drops a request whose call is over. */
  forget(id: string): void {
    this.#waiting.delete(id)
  }
}
