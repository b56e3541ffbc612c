/**
 * Webhooks of programs: an endpoint receives the facts of the event stream that its token may read, as Standard
 * Webhooks.
 */
import { type EventOf, type Fact, type FactType, facts, factTypes } from '../../contract/event.ts'
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import { storedJson } from '../events/stored-fact.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { AttemptMade, WebhookKind } from '../webhooks/webhook-kind.ts'
import type { WebhookMessage } from '../webhooks/webhook-sender.ts'
import type { WebhookEnding, WebhookRow } from '../webhooks/webhook-tables.ts'

/** Settings stored with an endpoint, beside the columns of the delivery. */
export interface WebhookSettings {
  name: string
  /** Fact types; empty for all. */
  types: FactType[]
  accounts: string[]
  query: string | null
  /** Whether order is kept across everything that is delivered, or per account. */
  order: 'endpoint' | 'account'
}

export interface ProgramWebhooksOptions {
  idOf(number: number): string
  /** Whether a search of the principal finds the message; message texts are searched only with `mail:read`. */
  matches(
    mail: EventOf<'mail_received'>['data'],
    query: string,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<boolean>
  attempted(row: WebhookRow, attempt: AttemptMade): void
  ended(row: WebhookRow, ending: WebhookEnding): void
}

/** Parsed settings in the cache; it is cleared when full. */
const maxRead = 2_000

export class ProgramWebhooks implements WebhookKind {
  readonly gone = 'endpoint'
  readonly #options: ProgramWebhooksOptions
  /** Messages by fact, shared by all endpoints. */
  readonly #messages = new WeakMap<Fact, WebhookMessage>()
  /** Parsed settings by their JSON, since every fact needs them. */
  readonly #settings = new Map<string, WebhookSettings>()

  constructor(options: ProgramWebhooksOptions) {
    this.#options = options
  }

  filterOf(row: WebhookRow): EventFilter {
    const { types, accounts } = this.#settingsOf(row)
    return {
      types: new Set(types.length > 0 ? types : factTypes),
      accounts: accounts.length > 0 ? new Set(accounts) : undefined,
    }
  }

  isByAccount(row: WebhookRow): boolean {
    return this.#settingsOf(row).order === 'account'
  }

  isAllowed(row: WebhookRow, principal: Principal): boolean {
    const { types, accounts } = this.#settingsOf(row)
    const wanted = types.length > 0 ? types : factTypes
    const sees = accounts.length === 0 || accounts.some(id => maySeeAccount(principal, id))
    return sees && wanted.some(type => principal.scopes.has(facts[type].scope))
  }

  async messageOf(
    row: WebhookRow,
    principal: Principal,
    { number, fact }: LogEntry,
    signal: AbortSignal,
  ): Promise<WebhookMessage | undefined> {
    const { query } = this.#settingsOf(row)
    if (query !== null && fact.type === 'mail_received') {
      if (!(await this.#options.matches(fact.data, query, principal, signal))) return undefined
    }
    const known = this.#messages.get(fact)
    if (known) return known
    const message = messageOf(`evt_${this.#options.idOf(number)}`, fact)
    this.#messages.set(fact, message)
    return message
  }

  gapOf(_row: WebhookRow, number: number): WebhookMessage {
    const place = this.#options.idOf(number)
    return control('gap', `gap_${place}`, { up_to: `evt_${place}` })
  }

  /** The event stream announces the end; an endpoint that failed or wants nothing is sent nothing. */
  endOf(): undefined {
    return undefined
  }

  headersOf({ id }: WebhookRow): Record<string, string> {
    return { 'rustymail-webhook': id }
  }

  ended(row: WebhookRow, ending: WebhookEnding): void {
    this.#options.ended(row, ending)
  }

  attempted(row: WebhookRow, attempt: AttemptMade): void {
    this.#options.attempted(row, attempt)
  }

  #settingsOf(row: WebhookRow): WebhookSettings {
    const known = this.#settings.get(row.settings)
    if (known) return known
    const settings = settingsOf(row)
    if (this.#settings.size >= maxRead) this.#settings.clear()
    this.#settings.set(row.settings, settings)
    return settings
  }
}

/**
 * Builds the message from what is stored of the fact, so that it is the same at each attempt and after a restart.
 * Sender and subject of mail are not stored.
 */
export function messageOf(id: string, fact: Fact): WebhookMessage {
  const data = storedJson(fact, JSON.stringify(fact.data))
  return { id, body: `{"id":"${id}","type":"${fact.type}","timestamp":"${fact.data.at}","data":${data}}` }
}

/** Builds a message about no fact: `gap` or `test`. */
export function control(type: string, id: string, data: object): WebhookMessage {
  return { id, body: JSON.stringify({ id, type, timestamp: new Date().toISOString(), data }) }
}

/** Parses settings that this program wrote. */
export function settingsOf({ settings }: Pick<WebhookRow, 'settings'>): WebhookSettings {
  // Missing in rows of an earlier version.
  return { order: 'endpoint', ...(JSON.parse(settings) as Omit<WebhookSettings, 'order'>) }
}
