/** Idempotency keys: a repeated call under the same key creates its draft only once. */
import { createHash } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { DraftStore } from './draft-store.ts'

/** How long a call may be repeated under its key. */
export const keyMs = 24 * 60 * 60_000
const keyForm = /^[\x21-\x7e]{1,200}$/

export class DraftKeys {
  readonly #store: DraftStore
  readonly #now: () => number

  constructor(store: DraftStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
  }

  /** @throws Problem for a malformed key. */
  call(principal: Principal, key: string | undefined, what: readonly unknown[]): KeyedCall | undefined {
    if (key === undefined) return undefined
    if (!keyForm.test(key)) throw badInput('header.idempotency-key', 'must be 1 to 200 visible ASCII characters')
    const digest = createHash('sha256').update(JSON.stringify(what)).digest('base64url')
    return { principalId: principal.id, key, digest }
  }

  /** Returns the draft that the call created before. @throws Problem when the key was used for a different call. */
  async repeated(call: KeyedCall | undefined, db?: Database): Promise<string | undefined> {
    if (!call) return undefined
    const kept = await this.#store.findKey(call.principalId, call.key, db)
    if (!kept || Date.parse(kept.at) < this.#now() - keyMs) return undefined
    if (kept.digest === call.digest) return kept.draft_id
    const detail = 'This Idempotency-Key was used for a request with other content within the last 24 hours.'
    throw new Problem('idempotency_key_reused', detail)
  }

  async keep(transaction: Database, call: KeyedCall | undefined, draftId: string): Promise<void> {
    if (!call) return
    const at = new Date(this.#now()).toISOString()
    const { principalId: principal_id, key, digest } = call
    await this.#store.keepKey(transaction, { principal_id, key, digest, at, draft_id: draftId })
  }
}

interface KeyedCall {
  principalId: string
  key: string
  digest: string
}
