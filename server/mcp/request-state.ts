/**
 * State that a client carries from one round of a call to the next (`requestState`): JSON, signed for its caller,
 * method and name, with an expiry. The client can read it, so it must contain no secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { McpError, mcpErrors } from './mcp-port.ts'

/** The caller and method that a state is valid for. */
export interface StateOwner {
  principalId: string
  method: string
  /** Name of the tool or prompt, or URI of the resource. */
  name: string
}

/** Lifetime: a human reads, thinks and answers between two rounds. */
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

  /** @throws McpError, the same whatever is wrong. */
  open(text: string, owner: StateOwner): unknown {
    const [payload = '', signature = '', ...rest] = text.length <= maxStateLength ? text.split('.') : []
    const given = Buffer.from(signature, 'base64url')
    const wanted = this.#sign(payload, owner)
    // The text of the signature is compared too: another spelling of the same bytes is a different state.
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

/** The same text as in the official library, so that the adapters cannot be told apart. */
function invalidState(): McpError {
  return new McpError(mcpErrors.invalidParams, 'Invalid or expired requestState', { reason: 'invalid_request_state' })
}
