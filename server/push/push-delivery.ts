/** Delivers one notification to the push service of one browser, and records the outcome with its subscription. */
import type { Logger } from '../platform/logger.ts'
import type { Signer } from '../platform/secret-box.ts'
import type { AlertContent, PushContent } from './push-message.ts'
import type { PushOutcome, PushSender } from './push-sender.ts'
import type { PushStore } from './push-store.ts'
import type { PushRow } from './push-tables.ts'

export interface PushDeliveryOptions {
  store: Pick<PushStore, 'remove' | 'noteSuccess' | 'noteFault'>
  sender: Pick<PushSender, 'send'>
  /** Signs topics, so that they mean nothing to the push service and differ between browsers. */
  topics: Signer
  now(): number
  logger: Logger
}

const day = 24 * 60 * 60_000
/** A subscription that has failed for this long is removed. */
const failingMs = 14 * day

export class PushDelivery {
  readonly #options: PushDeliveryOptions

  constructor(options: PushDeliveryOptions) {
    this.#options = options
  }

  async deliver(
    row: PushRow,
    content: PushContent | AlertContent,
    ttlSeconds: number,
    signal: AbortSignal,
  ): Promise<PushOutcome> {
    const { sender, topics } = this.#options
    const topic = topics.sign(`${row.id} ${content.tag}`).toString('base64url')
    const outcome = await sender.send(row, { payload: JSON.stringify(content), ttlSeconds, topic }, signal)
    // An attempt aborted by the end of this process says nothing about the service.
    if (!signal.aborted) await this.#note(row, outcome)
    return outcome
  }

  async #note(row: PushRow, outcome: PushOutcome): Promise<void> {
    const { store, now, logger } = this.#options
    const at = new Date(now()).toISOString()
    if (outcome.kind === 'sent') return store.noteSuccess(row.id, at)
    const since = row.failing_since === null ? undefined : Date.parse(row.failing_since)
    const isOver = outcome.kind === 'gone' || (since !== undefined && now() - since > failingMs)
    logger.debug({ subscription: row.id, why: outcome.why, isOver }, 'a notification was not accepted')
    if (isOver) await store.remove(row.id)
    else await store.noteFault(row, outcome.why, at)
  }
}
