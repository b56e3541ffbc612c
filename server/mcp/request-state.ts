/**
 * What a client carries from one round of a call to the next (`requestState`): JSON, signed for its caller, method and name, and ending by itself.
 * Readable by the client, so no secret belongs into it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { McpError, mcpErrors } from './mcp-port.ts'

/** For which caller and tool it was made: for any other it is rejected. */
export interface StateOwner {
  principalId: string
  method: string
  /** Of the tool or prompt, or the URI of the resource. */
  name: string
}

/** A human reads, thinks and answers between two rounds. */
export const stateEndsAfterMs = 30 * 60_000
const maxStateLength = 64 * 1024

export class RequestState {
  readonly #key: Uint8Array
  readonly #now: () => number

  constructor(key: Uint8Array, now: () => number = Date.now) {
    this.#key = key
    this.#now = now
  }

  /** @param state JSON. */
  seal(state: unknown, owner: StateOwner): string {
    const payload = Buffer.from(JSON.stringify([this.#now() + stateEndsAfterMs, state])).toString('base64url')
    return `${payload}.${this.#sign(payload, owner).toString('base64url')}`
  }

  /** @throws McpError, the same for whatever is wrong with it. */
  open(text: string, owner: StateOwner): unknown {
    const [payload = '', signature = '', ...rest] = text.length <= maxStateLength ? text.split('.') : []
    const given = Buffer.from(signature, 'base64url')
    const wanted = this.#sign(payload, owner)
    // The text of a signature is compared as well: what decodes to the same bytes is not the same state.
    const isSigned = given.length === wanted.length && timingSafeEqual(given, wanted)
    if (!isSigned || wanted.toString('base64url') !== signature || rest.length > 0) throw invalidState()
    const [endsAt, state] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [number, unknown]
    if (this.#now() >= endsAt) throw invalidState()
    return state
  }

  #sign(payload: string, { principalId, method, name }: StateOwner): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify(['mcp-request-state', principalId, method, name, payload]))
      .digest()
  }
}

/** The words of the official library, so that one cannot tell the adapters by it. */
function invalidState(): McpError {
  return new McpError(mcpErrors.invalidParams, 'Invalid or expired requestState', { reason: 'invalid_request_state' })
}
