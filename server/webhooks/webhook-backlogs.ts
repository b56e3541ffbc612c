/**
 * Keeps order per account: when an endpoint does not accept a fact of one account, that account's facts wait in a
 * backlog with a place of its own, and the endpoint continues with the others. A backlog that has caught up is removed.
 * Facts without an account form a backlog of their own. A crash repeats some facts, with the same ids, and loses none:
 * a backlog is stored before the endpoint passes its facts, and removed only once the endpoint is past them.
 */
import type { EventHub } from '../events/event-hub.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { type NextMessage, WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookFault } from './webhook-sender.ts'
import type { WebhookStore } from './webhook-store.ts'
import { noAccount, type WebhookBacklogRow } from './webhook-tables.ts'

/** Backlogs per endpoint; past it the endpoint itself waits. */
export const maxBacklogs = 50

export interface WebhookBacklogsOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  store: Pick<WebhookStore, 'listBacklogs' | 'putBacklog' | 'removeBacklog' | 'transact'>
  findLease(): Lease | undefined
  /** Called when a backlog may have something to deliver. */
  wake(backlog: WebhookEndpoint): void
  logger: Logger
}

type Retry = { fault: WebhookFault; afterMs: number | undefined }

export class WebhookBacklogs {
  readonly #options: WebhookBacklogsOptions
  /** Removals of rows in progress. Never rejects. */
  #removing: Promise<void> = Promise.resolve()

  constructor(options: WebhookBacklogsOptions) {
    this.#options = options
  }

  /** Resolves once removals in progress are done; an older one could otherwise delete a row stored later. */
  async settled(): Promise<void> {
    await this.#removing
  }

  async stored(id: string): Promise<WebhookBacklogRow[]> {
    await this.settled()
    return this.#options.store.listBacklogs(id)
  }

  /** Restores stored backlogs; the caller wakes them. */
  restore(endpoint: WebhookEndpoint, rows: readonly WebhookBacklogRow[]): void {
    for (const row of rows) this.#add(endpoint, row)
  }

  /**
   * Returns whether a failure may start a backlog, since it concerns one account only; an unreachable endpoint fails
   * for all.
   */
  mayBegin(endpoint: WebhookEndpoint, { isGap }: NextMessage, { fault }: Retry): boolean {
    if (endpoint.backlogOf || !endpoint.isByAccount || isGap) return false
    return fault !== 'connection_refused' && fault !== 'tls_error' && endpoint.backlogs.size < maxBacklogs
  }

  /**
   * Starts a backlog with the failed message. @returns The backlog and its delay; undefined if it could not be stored,
   * so that the endpoint itself waits.
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
      logger.warn({ err, endpoint: endpoint.row.id }, 'a backlog could not be stored: its endpoint waits')
      return undefined
    }
    if (endpoint.isRemoved) return undefined
    const backlog = this.#add(endpoint, row)
    return { backlog, delay: backlog.failed(fault, afterMs, now) }
  }

  /** Ends a backlog that has caught up; the endpoint continues with its account. */
  end(backlog: WebhookEndpoint): void {
    const { store, findLease, logger } = this.#options
    const { parent, account } = backlog.backlogOf!
    parent.close(backlog)
    drop(backlog)
    const { id } = parent.row
    const remove = () =>
      store.transact(async transaction => {
        // Another process may have taken over by then.
        await findLease()?.fence(transaction)
        await store.removeBacklog(transaction, id, account)
      })
    this.#removing = this.#removing.then(remove).catch((err: unknown) => {
      // A backlog that is still stored is delivered again after a start, and removed then.
      if (!(err instanceof LeaseLost)) logger.warn({ err, endpoint: id }, 'a finished backlog was not removed')
    })
  }

  #add(parent: WebhookEndpoint, row: WebhookBacklogRow): WebhookEndpoint {
    const { hub, wake } = this.#options
    const { principal, kind, sign } = parent
    const { endpoint_id: _id, account_id: account, ...progress } = row
    const { types } = kind.filterOf(parent.row)
    const follower = hub.follow({
      principal,
      // Facts without an account are visible in any case.
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

/** Stops all deliveries of an endpoint or backlog. */
export function drop(endpoint: WebhookEndpoint): void {
  endpoint.isRemoved = true
  clearTimeout(endpoint.timer)
  endpoint.follower.end()
}
