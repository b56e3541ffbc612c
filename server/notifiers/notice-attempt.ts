/** One attempt to deliver a notice: by the adapter of its kind, with its secrets unsealed for that time. */
import type { NotifierKind } from '../../contract/notifiers.ts'
import type { Logger } from '../platform/logger.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { messageOf, type NoticeContent } from './notice-words.ts'
import type { NoticeOutcome, Notifier } from './notifier.ts'
import type { DeliveryRow, NotifierRow } from './notifier-tables.ts'
import { openTarget } from './notifier-target.ts'
import { routingOf } from './notifier-view.ts'

export type Notifiers = Readonly<Record<NotifierKind, Notifier>>

export interface AttemptOptions {
  notifiers: Notifiers
  secrets: SecretBox
  /** Returns the URL of the page of alerts. */
  link(): string
  now(): number
  logger: Logger
}

export interface Attempted {
  outcome: NoticeOutcome
  /** The delivery without what only the queue knows. */
  delivery: Omit<DeliveryRow, 'id' | 'outcome'>
}

/** Makes one attempt; never rejects. */
export async function attemptNotice(
  { notifiers, secrets, link, now, logger }: AttemptOptions,
  row: NotifierRow,
  { id, content, at, attempt }: { id: string; content: NoticeContent; at: number; attempt: number },
  signal: AbortSignal,
): Promise<Attempted> {
  const begun = { at: new Date(now()).toISOString(), since: performance.now() }
  const { name } = routingOf(row)
  const message = messageOf(content, { id, at: new Date(at), link: link(), name })
  const send = async () => {
    const target = openTarget(secrets, row.id, row.target_sealed)
    return notifiers[target.kind].send(target, message, signal)
  }
  const outcome = await send().catch((err: unknown): NoticeOutcome => {
    if (!signal.aborted) logger.error({ err, notifier: row.id }, 'a notice could not be prepared')
    return { kind: 'retry', status: null, said: 'It could not be prepared; the log of the server says why.' }
  })
  return {
    outcome,
    delivery: {
      ...{ notice_id: id, notifier_id: row.id, at: begun.at, attempt },
      duration_ms: Math.max(0, Math.round(performance.now() - begun.since)),
      ...{ reason: content.reason, title: message.title, status: outcome.status, said: outcome.said },
    },
  }
}
