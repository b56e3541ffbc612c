/** Requests to clients before 2026 (Streamable HTTP): they go out on the stream of a call, and their answers come in as requests of their own. */
import { randomBytes } from 'node:crypto'

/** JSON-RPC, with `result` or `error`. */
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

/** In one process. A human answers each of them, or a model. */
const maxWaiting = 1000

export class ClientRequests {
  readonly #waiting = new Map<string, Waiting>()

  /**
   * @returns the id under which the request goes out: nobody guesses it.
   * @throws Error when too many wait already.
   */
  add(principalId: string, take: (response: ClientResponse) => void): string {
    if (this.#waiting.size >= maxWaiting)
      throw new Error(`${maxWaiting} requests to clients wait for an answer already`)
    const id = `ask-${randomBytes(16).toString('base64url')}`
    this.#waiting.set(id, { principalId, take })
    return id
  }

  /** @returns whether it was waited for, by the same principal. */
  answer(principalId: string, response: ClientResponse): boolean {
    const waiting = this.#waiting.get(String(response.id))
    if (waiting?.principalId !== principalId) return false
    this.#waiting.delete(String(response.id))
    waiting.take(response)
    return true
  }

  /** Its call is over. */
  forget(id: string): void {
    this.#waiting.delete(id)
  }
}
