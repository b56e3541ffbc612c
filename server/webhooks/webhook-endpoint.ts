/** One endpoint while this process delivers to it: its place in the log, what comes next, and how it fares. It decides nothing. */
import type { Fact } from '../../contract/event.ts'
import type { LogEntry } from '../events/event-log.ts'
import type { Follower } from '../events/log-followers.ts'
import type { Principal } from '../platform/principal.ts'
import type { WebhookKind } from './webhook-kind.ts'
import { delayOf } from './webhook-pace.ts'
import type { WebhookFault, WebhookMessage } from './webhook-sender.ts'
import type { Sign } from './webhook-signer.ts'
import type { WebhookProgress } from './webhook-store.ts'
import { noAccount, type WebhookBacklogRow, type WebhookRow } from './webhook-tables.ts'

/** Once it is taken, everything up to the number was. */
export interface NextMessage {
  /** Whose fact it is of; `noAccount` for one of none. */
  account: string
  number: number
  message: WebhookMessage
  isGap: boolean
}

export interface WebhookEndpointOptions {
  row: WebhookRow
  principal: Principal
  kind: WebhookKind
  follower: Follower
  sign: Sign
  /** Number of the oldest fact that the log holds whole. */
  oldest(): number
  /** Of what waits of one account at an endpoint that is past it. */
  backlogOf?: { parent: WebhookEndpoint; account: string } | undefined
}

export class WebhookEndpoint {
  readonly kind: WebhookKind
  readonly follower: Follower
  row: WebhookRow
  principal: Principal
  sign: Sign
  /** An attempt of it is under way. */
  isRunning = false
  /** There may be something to deliver. */
  isDue = true
  isRemoved = false
  timer: NodeJS.Timeout | undefined
  readonly backlogOf: { parent: WebhookEndpoint; account: string } | undefined
  /** By account: what waits of it, which the endpoint itself passes by. */
  readonly backlogs = new Map<string, WebhookEndpoint>()
  /** Up to where backlogs that are over went, beyond the place of the endpoint. */
  readonly #passed = new Map<string, number>()
  readonly #oldest: () => number
  #entries: readonly LogEntry[] = []
  #index = 0
  /** Not taken yet: the next attempt sends the same. */
  #pending: NextMessage | undefined
  /** Everything up to it was looked at once the entries are delivered. */
  #lookedTo: number
  /** What the database has. */
  #storedPlace: number

  constructor({ row, principal, kind, follower, sign, oldest, backlogOf }: WebhookEndpointOptions) {
    this.row = row
    this.backlogOf = backlogOf
    this.principal = principal
    this.kind = kind
    this.follower = follower
    this.sign = sign
    this.#oldest = oldest
    this.#lookedTo = row.place
    this.#storedPlace = row.place
  }

  get isFailing(): boolean {
    return this.row.failures > 0
  }

  /** The endpoint that it is, or is a backlog of. */
  get whole(): WebhookEndpoint {
    return this.backlogOf?.parent ?? this
  }

  /** Whether order is kept for each account alone. */
  get isByAccount(): boolean {
    return this.kind.isByAccount?.(this.row) ?? false
  }

  /** It has come as far as the endpoint, which goes on for the account by itself. */
  get isCaughtUp(): boolean {
    return this.backlogOf !== undefined && !this.isFailing && this.row.place >= this.backlogOf.parent.row.place
  }

  /** Rights, from now on: what waits is looked at again. */
  change(principal: Principal): void {
    this.principal = principal
    this.follower.change(principal)
    this.#pending = undefined
  }

  /** Facts that it is not told of are passed by. Undefined at the end of the log. */
  async next(signal: AbortSignal): Promise<NextMessage | undefined> {
    const { reader } = this.follower
    while (!this.isRemoved) {
      if (this.#pending && this.#pending.number > this.row.place) return this.#pending
      const entry = this.#entries[this.#index]
      if (entry) {
        // Its rights may be narrower than when this was read.
        const message = this.#isFor(entry)
          ? await this.kind.messageOf(this.row, this.principal, entry, signal)
          : undefined
        if (message) this.#pending = { number: entry.number, account: accountOf(entry.fact), message, isGap: false }
        else this.reach(entry.number)
        continue
      }
      this.reach(this.#lookedTo)
      if (reader.isExpired) {
        const number = this.#oldest() - 1
        const message = this.kind.gapOf(this.row, number)
        if (message) this.#pending = { number, account: noAccount, message, isGap: true }
        else this.passGap(number)
        continue
      }
      const batch = reader.take()
      if (batch) {
        this.#entries = batch.entries
        this.#index = 0
        this.#lookedTo = batch.to
      } else if (reader.isAtEnd) return undefined
      else await reader.load()
    }
    return undefined
  }

  /** Everything up to a number was taken, given up, or is not for it. */
  reach(number: number): void {
    while ((this.#entries[this.#index]?.number ?? Number.POSITIVE_INFINITY) <= number) this.#index++
    if (number > this.row.place) this.row = { ...this.row, place: number }
    for (const [account, passed] of this.#passed) if (passed <= number) this.#passed.delete(account)
  }

  /** What its backlog delivered is not delivered again. */
  close(backlog: WebhookEndpoint): void {
    const { account } = backlog.backlogOf!
    this.backlogs.delete(account)
    if (backlog.row.place > this.row.place) this.#passed.set(account, backlog.row.place)
  }

  #isFor({ number, fact }: LogEntry): boolean {
    if (!this.follower.reader.view.accepts(fact)) return false
    const account = accountOf(fact)
    // The view lets facts of no account through, too.
    if (this.backlogOf) return account === this.backlogOf.account
    return !this.backlogs.has(account) && number > (this.#passed.get(account) ?? 0)
  }

  passGap(number: number): void {
    this.follower.reader.passTo(number)
    this.#lookedTo = Math.max(this.#lookedTo, number)
    this.reach(number)
  }

  /** What failed waits beside it: it goes on. */
  passOn(number: number): void {
    this.row = { ...this.row, failing_since: null, failures: 0, next_try_at: null, last_fault: null }
    this.reach(number)
  }

  succeeded(at: string): void {
    const fine = { failing_since: null, failures: 0, next_try_at: null, last_fault: null }
    this.row = { ...this.row, ...fine, last_success_at: at }
  }

  failed(fault: WebhookFault, afterMs: number | undefined, now: number): number {
    const failures = this.row.failures + 1
    const delay = delayOf(failures, afterMs)
    this.row = {
      ...this.row,
      failures,
      failing_since: this.row.failing_since ?? new Date(now).toISOString(),
      next_try_at: new Date(now + delay).toISOString(),
      last_fault: fault,
    }
    return delay
  }

  /** How far the database is behind. */
  get unstored(): number {
    return this.row.place - this.#storedPlace
  }

  get progress(): WebhookProgress {
    const { id, place, failing_since, failures, next_try_at, last_success_at, last_fault } = this.row
    const account = this.backlogOf?.account
    return { id, account, place, failing_since, failures, next_try_at, last_success_at, last_fault }
  }

  stored(place: number): void {
    this.#storedPlace = Math.max(this.#storedPlace, place)
  }
}

export function backlogRowOf({ row, backlogOf }: WebhookEndpoint): WebhookBacklogRow {
  const { id, place, failing_since, failures, next_try_at, last_success_at, last_fault } = row
  const fares = { failing_since, failures, next_try_at, last_success_at, last_fault }
  return { endpoint_id: id, account_id: backlogOf?.account ?? '', place, ...fares }
}

function accountOf({ data }: Fact): string {
  return ('account_id' in data && data.account_id) || noAccount
}

/** By state, and how many facts the one that is furthest behind has not looked at. */
export function figuresOf(endpoints: readonly WebhookEndpoint[], newest: number) {
  const isFailing = (endpoint: WebhookEndpoint) => endpoint.isFailing || endpoint.backlogs.size > 0
  const failing = endpoints.filter(endpoint => endpoint.row.ending === null && isFailing(endpoint)).length
  const ending = endpoints.filter(({ row }) => row.ending !== null).length
  const places = endpoints.flatMap(({ row, backlogs }) => [row, ...[...backlogs.values()].map(each => each.row)])
  const behind = Math.max(0, ...places.map(({ place }) => newest - place))
  return { endpoints: endpoints.length, failing, ending, behind }
}
