/**
 * Delivers facts of the log to all endpoints: in order, at least once, from each one's place; only in the process with
 * the lease. A place is stored once all before it was accepted: a crash repeats some (same ids) and loses none.
 */
import type { LeaseClaim } from '../leases/lease-service.ts'
import { every } from '../platform/lifecycle.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { WebhookCourier } from './webhook-courier.ts'
import { forbidden, nobody } from './webhook-endings.ts'
import { backlogRowOf, figuresOf, WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookEngineBounds, WebhookEngineOptions } from './webhook-engine-options.ts'
import { endAttempts } from './webhook-pace.ts'
import { signerOfRow } from './webhook-row-signer.ts'
import type { WebhookRenewal } from './webhook-store.ts'
import type { WebhookBacklogRow, WebhookEnding, WebhookRow } from './webhook-tables.ts'

const defaultBounds: WebhookEngineBounds = { atOnce: 128, turn: 32, commitMs: 50, reviewMs: 30_000 }
const checkEveryMs = 1_000

export class WebhookEngine implements PrincipalListener {
  readonly #options: WebhookEngineOptions
  readonly #bounds: WebhookEngineBounds
  readonly #endpoints = new Map<string, WebhookEndpoint>()
  readonly #stopped = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #courier: WebhookCourier
  #claim: LeaseClaim | undefined
  #reviewing: Promise<void> | undefined
  #isReviewWanted = false

  constructor(options: WebhookEngineOptions) {
    this.#options = options
    this.#bounds = { ...defaultBounds, ...options.bounds }
    this.#courier = new WebhookCourier({
      engine: options,
      bounds: this.#bounds,
      signal: this.#stopped.signal,
      findLease: () => this.#claim?.find(),
      end: (endpoint, ending) => this.#end(endpoint, ending),
      sendEnd: endpoint => this.#sendEnd(endpoint),
    })
  }

  start(): void {
    const { leases, logger } = this.#options
    const failed = (err: unknown) => logger.error({ err }, 'webhooks could not be maintained')
    this.#claim = leases.want('webhooks', { won: () => this.#review(), lost: () => this.#dropAll() })
    // The lease may have been won before the claim was assigned.
    this.#review()
    every(this.#bounds.reviewMs, this.#stopped.signal, () => this.#review(), failed)
    every(checkEveryMs, this.#stopped.signal, () => this.#check(), failed)
  }

  /** Aborts attempts in flight; they are repeated later, with the same ids. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all([...this.#running, this.#reviewing, this.#courier.idle()])
    await this.#courier.backlogs.settled()
    await this.#courier.places.stop()
    this.#dropAll()
    await this.#claim?.giveBack()
  }

  /** Counts endpoints by state, and the facts that the furthest one behind has not processed. */
  get figures() {
    const { newest } = this.#options.hub.places
    return { ...figuresOf([...this.#endpoints.values()], newest), underWay: this.#courier.underWay }
  }

  /** Returns the row with the current progress of the delivery. */
  find(id: string): WebhookRow | undefined {
    return this.#endpoints.get(id)?.row
  }

  /** Follows an endpoint that was stored or changed, and retries a waiting message immediately. */
  async put(row: WebhookRow, caller: Principal): Promise<void> {
    if (!this.#claim?.find() || this.#stopped.signal.aborted) return
    // An access token ends within the hour, but the endpoint lasts as long as its connection.
    const principal = caller.audience === undefined ? caller : await this.#options.standing(row)
    if (!principal) return this.#review()
    const known = this.#endpoints.get(row.id)
    if (!known || known.row.ending !== null) {
      this.#drop(row.id)
      await this.#add(row, principal)
      return
    }
    const { place, failing_since, failures, last_success_at, last_fault } = known.row
    known.sign = await signerOfRow(row, this.#options)
    known.row = { ...row, place, failing_since, failures, last_success_at, last_fault, next_try_at: null }
    known.change(principal)
    this.#courier.wake(known)
  }

  /**
   * Restarts an endpoint with other values, such as its place or filter, or disables it by `ending`. A message in
   * flight is sent again, with the same id. @returns Whether it exists.
   */
  async restart(id: string, values: WebhookRenewal, principal: Principal): Promise<boolean> {
    const known = this.#endpoints.get(id)
    this.#drop(id)
    // Pending writes must not overwrite what is stored here.
    await this.#courier.places.settled()
    await this.#courier.backlogs.settled()
    const { store } = this.#options
    if (!(await store.renew(id, { ...known?.progress, ...values }))) return false
    const changed = await store.find(id)
    const row = changed && (await this.#withBacklogs(changed, values))
    if (row && this.#claim?.find() && !this.#stopped.signal.aborted && !this.#isOver(row))
      await this.#add(row, principal)
    return row !== undefined
  }

  /** Returns the backlogs with their current progress; undefined if this process does not deliver to the endpoint. */
  backlogsOf(id: string): WebhookBacklogRow[] | undefined {
    const endpoint = this.#endpoints.get(id)
    return endpoint && [...endpoint.backlogs.values()].map(backlogRowOf)
  }

  /** A new place replaces all backlogs; without order per account, the endpoint returns to the furthest one behind. */
  async #withBacklogs(row: WebhookRow, { place, next_try_at: next }: WebhookRenewal): Promise<WebhookRow | undefined> {
    const { store, kinds } = this.#options
    if (place !== undefined) await store.removeBacklogs(row.id)
    else if (!(kinds[row.kind].isByAccount?.(row) ?? false)) await store.foldBacklogs(row.id)
    // A restarted endpoint is retried immediately.
    else if (next === null) await store.renewBacklogs(row.id)
    return store.find(row.id)
  }

  async remove(id: string): Promise<boolean> {
    this.#drop(id)
    return this.#options.store.remove(id)
  }

  changed(principal: Principal): void {
    for (const endpoint of this.#of(principal.id)) {
      const { endsAt } = principal.audience === undefined ? principal : endpoint.principal
      this.#narrow(endpoint, { ...principal, endsAt, audience: undefined })
    }
  }

  #narrow(endpoint: WebhookEndpoint, principal: Principal): void {
    for (const each of [endpoint, ...endpoint.backlogs.values()]) each.change(principal)
    if (!endpoint.kind.isAllowed(endpoint.row, principal)) this.#end(endpoint, forbidden('Access was narrowed.'))
  }

  revoked(principalId: string): void {
    for (const endpoint of this.#of(principalId)) this.#end(endpoint, forbidden('Access was revoked.'))
  }

  /** Ends the endpoints of principals that a freeze stops from reading. */
  endWhere(isStopped: (principal: Principal) => boolean): void {
    for (const endpoint of [...this.#endpoints.values()]) {
      if (isStopped(endpoint.principal)) this.#end(endpoint, forbidden('A human stopped what programs may read.'))
    }
  }

  #of(principalId: string): WebhookEndpoint[] {
    return [...this.#endpoints.values()].filter(({ principal }) => principal.id === principalId)
  }

  /** Runs one review at a time; a call during it adds another. */
  #review(): void {
    this.#isReviewWanted = true
    this.#reviewing ??= this.#reviews()
  }

  async #reviews(): Promise<void> {
    while (this.#isReviewWanted && !this.#stopped.signal.aborted) {
      this.#isReviewWanted = false
      await this.#compare().catch((err: unknown) => {
        this.#options.logger.warn({ err }, 'the webhook endpoints could not be read')
      })
    }
    // Cleared in the same step as the last check, so that a later call starts again.
    this.#reviewing = undefined
  }

  /** Applies what other processes have stored. */
  async #compare(): Promise<void> {
    const { store, standing } = this.#options
    if (!this.#claim?.find()) return
    const known = new Set(this.#endpoints.keys())
    for (const row of await store.list()) {
      if (this.#stopped.signal.aborted) return
      known.delete(row.id)
      if (this.#isOver(row)) continue
      const principal = await standing(row)
      const endpoint = this.#endpoints.get(row.id)
      if (endpoint && !endpoint.isRemoved) {
        if (principal) this.#refresh(endpoint, row, principal)
        else this.#end(endpoint, forbidden('Access was revoked.'))
        continue
      }
      // The endpoint was removed or added while the rows were read.
      if (endpoint || !(await store.find(row.id)) || this.#endpoints.has(row.id)) continue
      const added = await this.#add(row, principal ?? nobody(row))
      if (!principal) this.#end(added, forbidden('Access was revoked.'))
    }
    for (const id of known) if (!(await store.find(id))) this.#drop(id)
  }

  /** Whether the endpoint has ended, and is kept without delivery. */
  #isOver({ kind, ending }: WebhookRow): boolean {
    return ending !== null && this.#options.kinds[kind].ended !== undefined
  }

  #refresh(endpoint: WebhookEndpoint, row: WebhookRow, principal: Principal): void {
    this.#narrow(endpoint, principal)
    endpoint.row = { ...endpoint.row, expires_at: row.expires_at }
    // Also advances the place of an endpoint without matching facts.
    if (endpoint.timer === undefined) this.#courier.wake(endpoint)
  }

  async #add(row: WebhookRow, principal: Principal): Promise<WebhookEndpoint> {
    const { hub, kinds } = this.#options
    const kind = kinds[row.kind]
    const sign = await signerOfRow(row, this.#options)
    const backlogs = kind.isByAccount?.(row) ? await this.#courier.backlogs.stored(row.id) : []
    const follower = hub.follow({
      principal,
      filter: kind.filterOf(row),
      after: row.place,
      wake: () => this.#courier.wakeUnlessWaiting(endpoint),
    })
    const endpoint = new WebhookEndpoint({ row, principal, kind, follower, sign, oldest: () => hub.places.oldest })
    this.#drop(row.id)
    this.#endpoints.set(row.id, endpoint)
    this.#courier.backlogs.restore(endpoint, backlogs)
    this.#courier.begin(endpoint)
    for (const backlog of endpoint.backlogs.values()) this.#courier.begin(backlog)
    return endpoint
  }

  async #sendEnd(endpoint: WebhookEndpoint): Promise<void> {
    const { store, observe, now } = this.#options
    if (this.#isOver(endpoint.row)) {
      const { row, progress, kind } = endpoint
      await store.renew(row.id, { ...progress, ending: row.ending })
      if (endpoint.isRemoved) return
      this.#drop(row.id)
      kind.ended?.(row, JSON.parse(row.ending ?? '{}') as WebhookEnding)
      observe('ended')
      return
    }
    const message = endpoint.kind.endOf(endpoint.row, JSON.parse(endpoint.row.ending ?? '{}') as WebhookEnding)
    const outcome = message && (await this.#courier.attempt(endpoint, message))
    if (this.#stopped.signal.aborted || endpoint.isRemoved) return
    if (outcome?.kind === 'retry' && endpoint.row.failures + 1 < endAttempts) {
      this.#courier.wakeLater(endpoint, endpoint.failed(outcome.fault, outcome.afterMs, now()))
      return
    }
    this.#drop(endpoint.row.id)
    await store.remove(endpoint.row.id)
    observe('ended')
  }

  #end(endpoint: WebhookEndpoint, ending: WebhookEnding): void {
    const { store, logger } = this.#options
    if (endpoint.row.ending !== null || endpoint.isRemoved) return
    const { id, principal_id: principal } = endpoint.row
    logger.info({ endpoint: id, principal, why: ending.why }, 'a webhook endpoint has ended')
    const text = JSON.stringify(ending)
    endpoint.row = { ...endpoint.row, ending: text, failures: 0, failing_since: null, next_try_at: null }
    this.#track(store.renew(id, { ending: text }))
    this.#courier.wake(endpoint)
  }

  /** Ends endpoints and secrets that have expired. */
  #check(): void {
    const now = this.#options.now()
    for (const endpoint of [...this.#endpoints.values()]) {
      const { row, principal } = endpoint
      if (now >= (principal.endsAt ?? Number.POSITIVE_INFINITY)) this.#end(endpoint, forbidden('Access has expired.'))
      else if (row.ending === null && row.expires_at !== null && now >= Date.parse(row.expires_at)) this.#expire(row.id)
      else if (row.previous_until !== null && now >= Date.parse(row.previous_until)) this.#forgetPrevious(endpoint)
    }
  }

  /** Removes a subscription that was not renewed; its endpoint is not notified. */
  #expire(id: string): void {
    this.#track(this.remove(id).then(() => this.#options.observe('ended')))
  }

  #forgetPrevious(endpoint: WebhookEndpoint): void {
    endpoint.row = { ...endpoint.row, previous_sealed: null, previous_until: null }
    const { id } = endpoint.row
    const work = async () => {
      endpoint.sign = await signerOfRow(endpoint.row, this.#options)
      for (const backlog of endpoint.backlogs.values()) backlog.sign = endpoint.sign
      await this.#options.store.renew(id, { previous_sealed: null, previous_until: null })
    }
    this.#track(work())
  }

  #track(work: Promise<unknown>): void {
    const done = work
      .then(() => undefined)
      .catch((err: unknown) => this.#options.logger.warn({ err }, 'a webhook endpoint could not be stored'))
      .finally(() => this.#running.delete(done))
    this.#running.add(done)
  }

  #drop(id: string): void {
    const endpoint = this.#endpoints.get(id)
    if (!endpoint) return
    this.#endpoints.delete(id)
    this.#courier.drop(endpoint)
  }

  #dropAll(): void {
    for (const id of [...this.#endpoints.keys()]) this.#drop(id)
  }
}
