/** Counts late items and tokens that expire soon in the database, for series that nothing else feeds. */
import type { Database } from '../platform/database/database.ts'

export interface LateFigures {
  /** Late items by name of the queue. */
  queues: ReadonlyMap<string, number>
  /** Expiry of tokens by principal, in epoch milliseconds. */
  tokenEnds: ReadonlyMap<string, number>
}

const mostTokens = 200
const minute = 60_000
const day = 24 * 60 * minute
/** Items that wait longer are late; tokens that expire sooner are reported. */
export const lateAfter = { sendingMs: 15 * minute, approvalMs: 30 * minute, tokenMs: 30 * day } as const

export class LateStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** @param at Epoch milliseconds. */
  async read(at: number): Promise<LateFigures> {
    const iso = (ms: number) => new Date(ms).toISOString()
    const times = {
      now: iso(at),
      sendingSince: iso(at - lateAfter.sendingMs),
      approvalsSince: iso(at - lateAfter.approvalMs),
      soon: iso(at + lateAfter.tokenMs),
    }
    const [outbox, outboxLate, approvals, approvalsLate, webhooks, notices, tokens] = await Promise.all([
      this.#countSubmissions(times.now),
      this.#countSubmissions(times.sendingSince),
      this.#countApprovals(times.now),
      this.#countApprovals(times.approvalsSince),
      this.#countWebhooks(),
      this.#countNotices(),
      this.#db
        .selectFrom('api_tokens')
        .select(['id', 'expires_at'])
        .where('expires_at', '>', times.now)
        .where('expires_at', '<', times.soon)
        .where('oauth_client', 'is', null)
        .orderBy('expires_at')
        .limit(mostTokens)
        .execute(),
    ])
    return {
      queues: new Map([
        ['outbox', outbox],
        ['outbox_late', outboxLate],
        ['approvals', approvals],
        ['approvals_late', approvalsLate],
        ['webhooks', webhooks],
        ['notices', notices],
      ]),
      tokenEnds: new Map(tokens.map(({ id, expires_at: at }) => [`token-${id}`, Date.parse(at ?? '')])),
    }
  }

  /** Counts unsent submissions that could have left since then. */
  async #countSubmissions(since: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom('submissions')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('state', 'in', ['queued', 'sending'])
      .where('ready_at', '<', since)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Counts webhooks whose next event failed and is retried. */
  async #countWebhooks(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('webhook_endpoints')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('ending', 'is', null)
      .where(({ or, eb, exists, selectFrom }) =>
        or([
          eb('failing_since', 'is not', null),
          exists(selectFrom('webhook_backlogs').select('place').whereRef('endpoint_id', '=', 'webhook_endpoints.id')),
        ]),
      )
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async #countNotices(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('notices')
      .select(({ fn }) => fn.countAll().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async #countApprovals(since: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom('approvals')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('state', '=', 'waiting')
      .where('created_at', '<', since)
      .executeTakeFirstOrThrow()
    return Number(count)
  }
}
