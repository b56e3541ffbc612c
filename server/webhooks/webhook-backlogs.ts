/**
 * Order for each account alone, and for what is of no account: what an endpoint does not take of one waits beside it, at a place of its own, and the endpoint goes on
 * with the others. A backlog that has caught up is over. An end of the process repeats some, with the same ids, and loses none: a backlog is
 * stored before the endpoint passes what is in it, and removed once the endpoint is behind it.
 */
import type { EventHub } from '../events/event-hub.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { type NextMessage, WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookFault } from './webhook-sender.ts'
import type { WebhookStore } from './webhook-store.ts'
import { noAccount, type WebhookBacklogRow } from './webhook-tables.ts'

/** Accounts of one endpoint that wait beside it, and what is of no account; beyond, the endpoint itself waits. */
export const maxBacklogs = 50

export interface WebhookBacklogsOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  store: Pick<WebhookStore, 'listBacklogs' | 'putBacklog' | 'removeBacklog' | 'transact'>
  findLease(): Lease | undefined
  /** Something of it may be there to deliver. */
  wake(backlog: WebhookEndpoint): void
  logger: Logger
}

type Retry = { fault: WebhookFault; afterMs: number | undefined }

export class WebhookBacklogs {
  readonly #options: WebhookBacklogsOptions
  /** Rows that are being removed. Never rejects. */
  #removing: Promise<void> = Promise.resolve()

  constructor(options: WebhookBacklogsOptions) {
    this.#options = options
  }

  /** What was being removed is removed: else an older removal could take away what is stored now. */
  async settled(): Promise<void> {
    await this.#removing
  }

  async stored(id: string): Promise<WebhookBacklogRow[]> {
    await this.settled()
    return this.#options.store.listBacklogs(id)
  }

  /** The caller wakes them. */
  restore(endpoint: WebhookEndpoint, rows: readonly WebhookBacklogRow[]): void {
    for (const row of rows) this.#add(endpoint, row)
  }

  /** Whether it is of one account alone that this failed: an endpoint that cannot be reached is away for all of them. */
  mayBegin(endpoint: WebhookEndpoint, { isGap }: NextMessage, { fault }: Retry): boolean {
    if (endpoint.backlogOf || !endpoint.isByAccount || isGap) return false
    return fault !== 'connection_refused' && fault !== 'tls_error' && endpoint.backlogs.size < maxBacklogs
  }

  /**
   * The message and what follows it of the account wait from now on.
   * @returns The backlog and how long it waits; undefined where it could not be stored, so that the endpoint itself waits.
   */
  async begin(endpoint: WebhookEndpoint, { account, number }: NextMessage, { fault, afterMs }: Retry, now: number) {
    const { store, findLease, logger } = this.#options
    const lease = findLease()
    if (!lease) return undefined
    await this.settled()
    const since = new Date(now).toISOString()
    const row: WebhookBacklogRow = {
      ...{ endpoint_id: endpoint.row.id, account_id: account, place: number - 1 },
      ...{ failing_since: since, failures: 0, next_try_at: null, last_success_at: null, last_fault: fault },
    }
    try {
      await store.transact(async transaction => {
        await lease.fence(transaction)
        await store.putBacklog(transaction, row)
      })
    } catch (err) {
      logger.warn(
        { err, endpoint: endpoint.row.id },
        'what waits of an account could not be stored: its endpoint waits',
      )
      return undefined
    }
    if (endpoint.isRemoved) return undefined
    const backlog = this.#add(endpoint, row)
    return { backlog, delay: backlog.failed(fault, afterMs, now) }
  }

  /** It has caught up: the endpoint goes on for its account. */
  end(backlog: WebhookEndpoint): void {
    const { store, findLease, logger } = this.#options
    const { parent, account } = backlog.backlogOf!
    parent.close(backlog)
    drop(backlog)
    const { id } = parent.row
    const remove = () =>
      store.transact(async transaction => {
        // By then it may be the business of another process.
        await findLease()?.fence(transaction)
        await store.removeBacklog(transaction, id, account)
      })
    this.#removing = this.#removing.then(remove).catch((err: unknown) => {
      // What it holds is delivered once more after a start, and removed then.
      if (!(err instanceof LeaseLost)) logger.warn({ err, endpoint: id }, 'a backlog that is over was not removed')
    })
  }

  #add(parent: WebhookEndpoint, row: WebhookBacklogRow): WebhookEndpoint {
    const { hub, wake } = this.#options
    const { principal, kind, sign } = parent
    const { endpoint_id: _id, account_id: account, ...progress } = row
    const { types } = kind.filterOf(parent.row)
    const follower = hub.follow({
      principal,
      // Facts of no account are seen in any case.
      filter: { types, accounts: new Set(account === noAccount ? [] : [account]) },
      after: row.place,
      wake: () => wake(backlog),
    })
    const backlog: WebhookEndpoint = new WebhookEndpoint({
      ...{ row: { ...parent.row, ...progress, ending: null }, principal, kind, follower, sign },
      oldest: () => hub.places.oldest,
      backlogOf: { parent, account },
    })
    parent.backlogs.set(account, backlog)
    return backlog
  }
}

/** Nothing more is delivered of it. */
export function drop(endpoint: WebhookEndpoint): void {
  endpoint.isRemoved = true
  clearTimeout(endpoint.timer)
  endpoint.follower.end()
}
