/** Webhooks of programs: an endpoint is told the facts of the event stream that its token may read, in the shape of Standard Webhooks. */
import { type EventOf, type Fact, type FactType, facts, factTypes } from '../../contract/event.ts'
import type { LogEntry } from '../events/event-log.ts'
import type { EventFilter } from '../events/event-view.ts'
import { storedJson } from '../events/stored-fact.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { AttemptMade, WebhookKind } from '../webhooks/webhook-kind.ts'
import type { WebhookMessage } from '../webhooks/webhook-sender.ts'
import type { WebhookEnding, WebhookRow } from '../webhooks/webhook-tables.ts'

/** What is stored with its endpoint, beside what the delivery needs. */
export interface WebhookSettings {
  name: string
  /** All when empty. */
  types: FactType[]
  accounts: string[]
  query: string | null
  /** Of what order is kept: of all that it is told, or of each account. */
  order: 'endpoint' | 'account'
}

export interface ProgramWebhooksOptions {
  idOf(number: number): string
  /** Whether a search of the principal finds the message: only with `mail:read` it looks into texts. */
  matches(
    mail: EventOf<'mail_received'>['data'],
    query: string,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<boolean>
  attempted(row: WebhookRow, attempt: AttemptMade): void
  ended(row: WebhookRow, ending: WebhookEnding): void
}

/** Settings that were read lately. */
const maxRead = 2_000

export class ProgramWebhooks implements WebhookKind {
  readonly gone = 'endpoint'
  readonly #options: ProgramWebhooksOptions
  /** All endpoints share what is said of a fact. */
  readonly #messages = new WeakMap<Fact, WebhookMessage>()
  /** By their text: they are asked for with each fact. */
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

  /** That it was disabled is told on the event stream: the endpoint took nothing, or wants nothing. */
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

/** What is stored of a fact: the same at each attempt, also after a restart. Sender and subject of mail are not. */
export function messageOf(id: string, fact: Fact): WebhookMessage {
  const data = storedJson(fact, JSON.stringify(fact.data))
  return { id, body: `{"id":"${id}","type":"${fact.type}","timestamp":"${fact.data.at}","data":${data}}` }
}

/** Of no fact: `gap`, `test`. */
export function control(type: string, id: string, data: object): WebhookMessage {
  return { id, body: JSON.stringify({ id, type, timestamp: new Date().toISOString(), data }) }
}

/** Written by this program. */
export function settingsOf({ settings }: Pick<WebhookRow, 'settings'>): WebhookSettings {
  // Those of earlier versions say nothing of it.
  return { order: 'endpoint', ...(JSON.parse(settings) as Omit<WebhookSettings, 'order'>) }
}
