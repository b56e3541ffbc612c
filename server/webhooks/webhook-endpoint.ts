/** The state of one endpoint while this process delivers to it: place, next message, failures. It decides nothing. */
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

/** A message to deliver; once it is accepted, everything up to its number is done. */
export interface NextMessage {
  /** Account of the fact; `noAccount` for a fact without one. */
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
  /** Number of the oldest fact that the log holds completely. */
  oldest(): number
  /** Set for a backlog: its endpoint, and the account whose facts wait. */
  backlogOf?: { parent: WebhookEndpoint; account: string } | undefined
}

export class WebhookEndpoint {
  readonly kind: WebhookKind
  readonly follower: Follower
  row: WebhookRow
  principal: Principal
  sign: Sign
  /** Whether the courier is delivering to it. */
  isRunning = false
  /** Whether there may be something to deliver. */
  isDue = true
  isRemoved = false
  timer: NodeJS.Timeout | undefined
  readonly backlogOf: { parent: WebhookEndpoint; account: string } | undefined
  /** Backlogs by account; the endpoint itself skips their facts. */
  readonly backlogs = new Map<string, WebhookEndpoint>()
  /** How far finished backlogs got beyond the place of the endpoint, by account. */
  readonly #passed = new Map<string, number>()
  readonly #oldest: () => number
  #entries: readonly LogEntry[] = []
  #index = 0
  /** The message that is not accepted yet; the next attempt sends it again. */
  #pending: NextMessage | undefined
  /** Everything up to this number is done once the current entries are. */
  #lookedTo: number
  /** The place as stored in the database. */
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

  /** The endpoint itself, or the endpoint of a backlog. */
  get whole(): WebhookEndpoint {
    return this.backlogOf?.parent ?? this
  }

  /** Whether order is kept per account. */
  get isByAccount(): boolean {
    return this.kind.isByAccount?.(this.row) ?? false
  }

  /** Whether a backlog has reached the place of its endpoint, which can take over its account. */
  get isCaughtUp(): boolean {
    return this.backlogOf !== undefined && !this.isFailing && this.row.place >= this.backlogOf.parent.row.place
  }

  /** Applies changed rights, by which a waiting message is built again. */
  change(principal: Principal): void {
    this.principal = principal
    this.follower.change(principal)
    this.#pending = undefined
  }

  /** Returns the next message, skipping facts that are not for it; undefined at the end of the log. */
  async next(signal: AbortSignal): Promise<NextMessage | undefined> {
    const { reader } = this.follower
    while (!this.isRemoved) {
      if (this.#pending && this.#pending.number > this.row.place) return this.#pending
      const entry = this.#entries[this.#index]
      if (entry) {
        // Its rights may have been narrowed since the entry was read.
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

  /** Advances the place: everything up to a number was accepted, given up or skipped. */
  reach(number: number): void {
    while ((this.#entries[this.#index]?.number ?? Number.POSITIVE_INFINITY) <= number) this.#index++
    if (number > this.row.place) this.row = { ...this.row, place: number }
    for (const [account, passed] of this.#passed) if (passed <= number) this.#passed.delete(account)
  }

  /** Removes a finished backlog; what it delivered is not delivered again. */
  close(backlog: WebhookEndpoint): void {
    const { account } = backlog.backlogOf!
    this.backlogs.delete(account)
    if (backlog.row.place > this.row.place) this.#passed.set(account, backlog.row.place)
  }

  #isFor({ number, fact }: LogEntry): boolean {
    if (!this.follower.reader.view.accepts(fact)) return false
    const account = accountOf(fact)
    // The view also accepts facts without an account.
    if (this.backlogOf) return account === this.backlogOf.account
    return !this.backlogs.has(account) && number > (this.#passed.get(account) ?? 0)
  }

  passGap(number: number): void {
    this.follower.reader.passTo(number)
    this.#lookedTo = Math.max(this.#lookedTo, number)
    this.reach(number)
  }

  /** Skips a failed message that a backlog has taken over. */
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

  /** How many facts the stored place lags behind. */
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

/** Counts endpoints by state, and the facts that the furthest one behind has not processed. */
export function figuresOf(endpoints: readonly WebhookEndpoint[], newest: number) {
  const isFailing = (endpoint: WebhookEndpoint) => endpoint.isFailing || endpoint.backlogs.size > 0
  const failing = endpoints.filter(endpoint => endpoint.row.ending === null && isFailing(endpoint)).length
  const ending = endpoints.filter(({ row }) => row.ending !== null).length
  const places = endpoints.flatMap(({ row, backlogs }) => [row, ...[...backlogs.values()].map(each => each.row)])
  const behind = Math.max(0, ...places.map(({ place }) => newest - place))
  return { endpoints: endpoints.length, failing, ending, behind }
}
