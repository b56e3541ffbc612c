/**
 * Projects facts to events: whether a fact matches what was asked for, and the payload. Never the text of a message.
 */

import { lowerAscii } from '../../contract/ascii-case.ts'
import type { EventOf, Fact } from '../../contract/event.ts'
import type { LogEntry } from '../events/event-log.ts'
import type { Principal } from '../platform/principal.ts'
import { unlessAborted } from '../platform/waits.ts'
import { cleanLine, Fence } from '../reading/stranger-text.ts'
import type { PayloadOf, RequestedEvent } from './event-types.ts'
import type { EventOccurrence } from './events-wire.ts'

type Mail = EventOf<'mail_received'>['data']

/** Details of a message beyond its fact. */
export interface MailDetails {
  from: string | null
  subject: string | null
  auth: 'verified' | 'unverified' | 'failed' | 'unknown'
  recipients: number | null
  hasAttachments: boolean | null
}

/** The principal that receives an event. */
export type Recipient = Pick<Principal, 'id' | 'scopes'>

/** Lookups in other features. None rejects for what does not exist: it is unknown then, or does not match. */
export interface MailKnowledge {
  details(mail: Mail, signal: AbortSignal): Promise<MailDetails>
  /** Searches with the principal's current rights. */
  matches(mail: Mail, query: string, principal: Recipient, signal: AbortSignal): Promise<boolean>
  /** Whether it answers a message that the principal sent. */
  answers(principalId: string, mail: Mail, signal: AbortSignal): Promise<boolean>
  /** Returns the principal that submitted it. */
  senderOf(submissionId: string): Promise<string | undefined>
  /** Returns the reference by which tools name the message. */
  refOf(mail: Mail): string | null
}

export interface EventProjectorOptions {
  mail: MailKnowledge
  /** Returns the position of a fact in this log. */
  idOf(number: number): string
}

/** Messages whose details are cached, so that many subscribers cost one lookup. */
const maxRemembered = 1_000
const troubles: ReadonlySet<string> = new Set(['degraded', 'auth_failed', 'unreachable'])
const failures: ReadonlySet<string> = new Set(['failed', 'partial', 'unknown'])

export class EventProjector {
  readonly #options: EventProjectorOptions
  /** Details by fact number, oldest first. */
  readonly #details = new Map<number, Promise<MailDetails>>()
  readonly #stopped = new AbortController()

  constructor(options: EventProjectorOptions) {
    this.#options = options
  }

  /** Aborts lookups in flight. */
  stop(): void {
    this.#stopped.abort()
  }

  /** Undefined if the fact does not match. The principal may see the fact: its view accepted it. */
  async project(
    { name, arguments: args }: RequestedEvent,
    principal: Recipient,
    { number, fact }: LogEntry,
    signal: AbortSignal,
  ): Promise<EventOccurrence | undefined> {
    const { account } = args
    if (account !== undefined && (!('account_id' in fact.data) || fact.data.account_id !== account)) return undefined
    const data = await this.#dataOf({ name, arguments: args }, principal, number, fact, signal)
    if (!data) return undefined
    return { eventId: `evt_${this.#idOf(name, number, fact)}`, name, timestamp: fact.data.at, data: { ...data } }
  }

  /** A failure is announced by several facts while its copy is saved; all of them are one event. */
  #idOf(name: RequestedEvent['name'], number: number, { type, data }: Fact): string {
    if (type === 'delivery_changed') return [data.submission_id, data.state, data.refused, data.bounced].join('-')
    return this.#options.idOf(number) + (name === 'message.replied' ? '-reply' : '')
  }

  async #dataOf(
    { name, arguments: args }: RequestedEvent,
    principal: Recipient,
    number: number,
    fact: Fact,
    signal: AbortSignal,
  ): Promise<object | undefined> {
    switch (fact.type) {
      case 'mail_received':
        return this.#mail(name, args, principal, number, fact.data, signal)
      case 'approval_decided':
        return this.#approval(fact.data, args, principal.id)
      case 'delivery_changed':
        return failed(fact.data, args, principal.id)
      case 'account_state_changed':
        return trouble(fact.data)
      default:
        return undefined
    }
  }

  async #mail(
    name: RequestedEvent['name'],
    { folder, from, query }: RequestedEvent['arguments'],
    principal: Recipient,
    number: number,
    mail: Mail,
    signal: AbortSignal,
  ): Promise<PayloadOf<'message.received'> | undefined> {
    const { mail: known } = this.#options
    if (folder !== undefined && mail.folder !== folder) return undefined
    if (name === 'message.replied' && !(await known.answers(principal.id, mail, signal))) return undefined
    const details = await unlessAborted(this.#detailsOf(number, mail), signal)
    if (from !== undefined && !isFrom(details.from, from)) return undefined
    if (query !== undefined && !(await known.matches(mail, query, principal, signal))) return undefined
    return {
      account: mail.account_id,
      message: mail.id ?? null,
      ref: known.refOf(mail),
      thread: mail.thread_id ?? null,
      folder: cleanLine(mail.folder),
      from: details.from === null ? null : cleanLine(details.from, 320),
      auth: details.auth,
      first_contact: mail.first_contact ?? null,
      recipients: details.recipients,
      has_attachments: details.hasAttachments,
      untrusted_subject: details.subject === null ? null : new Fence().around(cleanLine(details.subject)),
    }
  }

  /** Shared by all subscribers, so it continues when one of them is gone. The lookup itself has a timeout. */
  #detailsOf(number: number, mail: Mail): Promise<MailDetails> {
    const known = this.#details.get(number)
    if (known) return known
    const details = this.#options.mail.details(mail, this.#stopped.signal)
    this.#details.set(number, details)
    // A failed lookup is repeated.
    details.catch(() => this.#details.delete(number))
    for (const oldest of this.#details.keys()) {
      if (this.#details.size <= maxRemembered) break
      this.#details.delete(oldest)
    }
    return details
  }

  async #approval(
    { account_id, approval_id, submission_id, state }: EventOf<'approval_decided'>['data'],
    { own = true }: RequestedEvent['arguments'],
    principalId: string,
  ): Promise<PayloadOf<'approval.decided'> | undefined> {
    if (own && (await this.#options.mail.senderOf(submission_id)) !== principalId) return undefined
    return { account: account_id, approval: approval_id, submission: submission_id, state }
  }
}

function failed(
  data: EventOf<'delivery_changed'>['data'],
  { own = true }: RequestedEvent['arguments'],
  principalId: string,
): PayloadOf<'delivery.failed'> | undefined {
  const { account_id, submission_id, draft_id, principal, state, attempts, accepted, refused, bounced } = data
  if (own && principal !== principalId) return undefined
  if (!failures.has(state) && bounced === 0) return undefined
  return {
    account: account_id,
    submission: submission_id,
    draft: draft_id,
    state,
    accepted,
    refused,
    bounced,
    attempts,
  }
}

function trouble(data: EventOf<'account_state_changed'>['data']): PayloadOf<'account.trouble'> | undefined {
  const { account_id, state, previous, last_error, next_retry_at } = data
  if (!troubles.has(state)) return undefined
  return {
    account: account_id,
    state: state as PayloadOf<'account.trouble'>['state'],
    previous,
    cause: last_error?.cause ?? null,
    next_retry_at,
  }
}

function isFrom(email: string | null, wanted: string): boolean {
  if (email === null) return false
  const [address, asked] = [lowerAscii(email), lowerAscii(wanted)]
  return asked.startsWith('@') ? address.endsWith(asked) : address === asked
}
