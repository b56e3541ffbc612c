/**
 * Delivers to all endpoints what the log holds for them: in order for each, at least once, from its place on. One process does it, which
 * holds the lease. A place is stored once what is before it was taken; so an end of the process repeats some, with the same ids, and loses none.
 */
import type { LeaseClaim } from '../leases/lease-service.ts'
import { every } from '../platform/lifecycle.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { forbidden, nobody } from './webhook-endings.ts'
import { figuresOf, type NextMessage, WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookEngineBounds, WebhookEngineOptions } from './webhook-engine-options.ts'
import { Lanes } from './webhook-lanes.ts'
import { endAttempts, givenUpMs } from './webhook-pace.ts'
import { WebhookPlaces } from './webhook-places.ts'
import { signerOfRow } from './webhook-row-signer.ts'
import type { WebhookOutcome } from './webhook-sender.ts'
import type { WebhookRenewal } from './webhook-store.ts'
import type { WebhookEnding, WebhookRow } from './webhook-tables.ts'

const defaultBounds: WebhookEngineBounds = { atOnce: 128, turn: 32, commitMs: 50, reviewMs: 30_000 }
/** Of an endpoint that is told of nothing the place is stored after so many facts. */
const quietFacts = 1_000
const checkEveryMs = 1_000

export class WebhookEngine implements PrincipalListener {
  readonly #options: WebhookEngineOptions
  readonly #bounds: WebhookEngineBounds
  readonly #endpoints = new Map<string, WebhookEndpoint>()
  readonly #lanes: Lanes
  readonly #stopped = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #places: WebhookPlaces
  #claim: LeaseClaim | undefined
  #reviewing: Promise<void> | undefined
  #isReviewWanted = false

  constructor(options: WebhookEngineOptions) {
    this.#options = options
    this.#bounds = { ...defaultBounds, ...options.bounds }
    this.#lanes = new Lanes(this.#bounds.atOnce)
    const { store, logger } = options
    this.#places = new WebhookPlaces({
      store,
      findLease: () => this.#claim?.find(),
      commitMs: this.#bounds.commitMs,
      logger,
    })
  }

  start(): void {
    const { leases, logger } = this.#options
    const failed = (err: unknown) => logger.error({ err }, 'webhooks could not be maintained')
    this.#claim = leases.want('webhooks', { won: () => this.#review(), lost: () => this.#dropAll() })
    // It may have been won before this knew of the claim.
    this.#review()
    every(this.#bounds.reviewMs, this.#stopped.signal, () => this.#review(), failed)
    every(checkEveryMs, this.#stopped.signal, () => this.#check(), failed)
  }

  /** Attempts under way are cut off; they are made again, with the same ids. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all([...this.#running, this.#reviewing])
    await this.#places.stop()
    this.#dropAll()
    await this.#claim?.giveBack()
  }

  /** By state, and how many facts the one that is furthest behind has not looked at. */
  get figures() {
    const { newest } = this.#options.hub.places
    return { ...figuresOf([...this.#endpoints.values()], newest), underWay: this.#lanes.underWay }
  }

  /** How a subscriber may be told that it fares. */
  find(id: string): WebhookRow | undefined {
    return this.#endpoints.get(id)?.row
  }

  /** It was stored, or stored again: from now on it counts so. What was waited for is tried at once. */
  async put(row: WebhookRow, caller: Principal): Promise<void> {
    if (!this.#claim?.find() || this.#stopped.signal.aborted) return
    // An access token ends within the hour; what was asked for with it lasts as long as the connection that it is of.
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
    this.#wake(known)
  }

  /**
   * Begins again with other values, such as another place or filter; disabled where they say how it has ended. What was under way is sent
   * again, with the same id. @returns Whether it is there.
   */
  async restart(id: string, values: WebhookRenewal, principal: Principal): Promise<boolean> {
    const known = this.#endpoints.get(id)
    this.#drop(id)
    // What is being stored of it must not come after what is stored here.
    await this.#places.settled()
    const { store } = this.#options
    if (!(await store.renew(id, { ...known?.progress, ...values }))) return false
    const row = await store.find(id)
    if (row && this.#claim?.find() && !this.#stopped.signal.aborted && !this.#isOver(row))
      await this.#add(row, principal)
    return row !== undefined
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
    endpoint.change(principal)
    if (!endpoint.kind.isAllowed(endpoint.row, principal)) this.#end(endpoint, forbidden('Access was narrowed.'))
  }

  revoked(principalId: string): void {
    for (const endpoint of this.#of(principalId)) this.#end(endpoint, forbidden('Access was revoked.'))
  }

  /** Ends what principals are told that a human stopped. */
  endWhere(isStopped: (principal: Principal) => boolean): void {
    for (const endpoint of [...this.#endpoints.values()]) {
      if (isStopped(endpoint.principal)) this.#end(endpoint, forbidden('A human stopped what programs may read.'))
    }
  }

  #of(principalId: string): WebhookEndpoint[] {
    return [...this.#endpoints.values()].filter(({ principal }) => principal.id === principalId)
  }

  /** One at a time, and one more when it is asked for meanwhile. */
  #review(): void {
    this.#isReviewWanted = true
    this.#reviewing ??= this.#reviews().finally(() => {
      this.#reviewing = undefined
    })
  }

  async #reviews(): Promise<void> {
    while (this.#isReviewWanted && !this.#stopped.signal.aborted) {
      this.#isReviewWanted = false
      await this.#compare().catch((err: unknown) => {
        this.#options.logger.warn({ err }, 'the webhook endpoints could not be read')
      })
    }
  }

  /** What other processes stored counts here too. */
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
      // It was removed, or put, while this was read.
      if (endpoint || !(await store.find(row.id)) || this.#endpoints.has(row.id)) continue
      const added = await this.#add(row, principal ?? nobody(row))
      if (!principal) this.#end(added, forbidden('Access was revoked.'))
    }
    for (const id of known) if (!(await store.find(id))) this.#drop(id)
  }

  /** It stays as it is, and nothing is delivered. */
  #isOver({ kind, ending }: WebhookRow): boolean {
    return ending !== null && this.#options.kinds[kind].ended !== undefined
  }

  #refresh(endpoint: WebhookEndpoint, row: WebhookRow, principal: Principal): void {
    this.#narrow(endpoint, principal)
    endpoint.row = { ...endpoint.row, expires_at: row.expires_at }
    // Also moves the place of one that is told of nothing.
    if (endpoint.timer === undefined) this.#wake(endpoint)
  }

  async #add(row: WebhookRow, principal: Principal): Promise<WebhookEndpoint> {
    const { hub, kinds, now } = this.#options
    const kind = kinds[row.kind]
    const sign = await signerOfRow(row, this.#options)
    const follower = hub.follow({
      principal,
      filter: kind.filterOf(row),
      after: row.place,
      wake: () => this.#wakeUnlessWaiting(endpoint),
    })
    const endpoint = new WebhookEndpoint({ row, principal, kind, follower, sign, oldest: () => hub.places.oldest })
    this.#drop(row.id)
    this.#endpoints.set(row.id, endpoint)
    const waitMs = row.next_try_at === null ? 0 : Date.parse(row.next_try_at) - now()
    if (waitMs > 0) this.#wakeLater(endpoint, waitMs)
    else this.#wake(endpoint)
    return endpoint
  }

  #wakeUnlessWaiting(endpoint: WebhookEndpoint): void {
    endpoint.isDue = true
    if (endpoint.timer === undefined) this.#wake(endpoint)
  }

  #wakeLater(endpoint: WebhookEndpoint, ms: number): void {
    clearTimeout(endpoint.timer)
    endpoint.timer = setTimeout(() => this.#wake(endpoint), ms)
  }

  #wake(endpoint: WebhookEndpoint): void {
    clearTimeout(endpoint.timer)
    endpoint.timer = undefined
    endpoint.isDue = true
    if (endpoint.isRunning || endpoint.isRemoved) return
    this.#lanes.add(endpoint)
    this.#pump()
  }

  #pump(): void {
    while (!this.#stopped.signal.aborted) {
      const endpoint = this.#lanes.take()
      if (!endpoint) return
      endpoint.isRunning = true
      const lane = this.#lanes.begin(endpoint)
      const run = this.#run(endpoint)
        .catch((err: unknown) => {
          if (this.#stopped.signal.aborted) return
          this.#options.logger.error({ err, endpoint: endpoint.row.id }, 'a webhook could not be prepared')
          this.#wakeLater(endpoint, endpoint.failed('connection_refused', undefined, this.#options.now()))
        })
        .finally(() => {
          this.#running.delete(run)
          lane.end()
          endpoint.isRunning = false
          if (endpoint.isDue && endpoint.timer === undefined && !endpoint.isRemoved) this.#lanes.add(endpoint)
          this.#pump()
        })
      this.#running.add(run)
    }
  }

  async #run(endpoint: WebhookEndpoint): Promise<void> {
    const { signal } = this.#stopped
    endpoint.isDue = false
    for (let count = 0; count < this.#bounds.turn; count++) {
      if (signal.aborted || endpoint.isRemoved || !this.#claim?.find()) return
      if (endpoint.row.ending !== null) return this.#tellEnd(endpoint)
      const next = await endpoint.next(signal)
      if (endpoint.isRemoved || signal.aborted) return
      if (endpoint.unstored >= quietFacts) this.#places.note(endpoint)
      if (!next) return
      if (!(await this.#deliver(endpoint, next))) return
    }
    endpoint.isDue = true
  }

  /** @returns Whether the next may follow. */
  async #deliver(endpoint: WebhookEndpoint, { number, message, isGap }: NextMessage): Promise<boolean> {
    const { observe, now } = this.#options
    const outcome = await this.#attempt(endpoint, message)
    // What was cut off says nothing; what the end of it overtook is not told any more.
    if (this.#stopped.signal.aborted || endpoint.isRemoved) return false
    if (endpoint.row.ending !== null) return true
    if (outcome.kind === 'retry') {
      observe('retried')
      const since = endpoint.row.failing_since
      if (since !== null && now() - Date.parse(since) > givenUpMs) {
        this.#end(endpoint, { why: 'failed', detail: 'It took nothing for three days.' })
        return true
      }
      this.#wakeLater(endpoint, endpoint.failed(outcome.fault, outcome.afterMs, now()))
      this.#places.note(endpoint)
      return false
    }
    if (outcome.kind === 'gone' && endpoint.kind.gone === 'endpoint') {
      this.#end(endpoint, { why: 'gone', detail: 'It answered 410.' })
      return true
    }
    if (outcome.kind === 'sent') endpoint.succeeded(new Date(now()).toISOString())
    if (isGap) endpoint.passGap(number)
    else endpoint.reach(number)
    observe(outcome.kind !== 'sent' ? 'abandoned' : isGap ? 'gap' : 'delivered')
    this.#places.note(endpoint)
    return true
  }

  async #attempt({ row, kind, sign }: WebhookEndpoint, message: NextMessage['message']): Promise<WebhookOutcome> {
    const { sender, now } = this.#options
    const { signal } = this.#stopped
    const at = now()
    const origin = message.origin ?? 'none'
    const outcome = await sender.send({ url: row.url, message, sign, headers: kind.headersOf(row), origin, signal })
    if (!signal.aborted) kind.attempted?.(row, { message, outcome, at, durationMs: now() - at })
    return outcome
  }

  async #tellEnd(endpoint: WebhookEndpoint): Promise<void> {
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
    const outcome = message && (await this.#attempt(endpoint, message))
    if (this.#stopped.signal.aborted || endpoint.isRemoved) return
    if (outcome?.kind === 'retry' && endpoint.row.failures + 1 < endAttempts) {
      this.#wakeLater(endpoint, endpoint.failed(outcome.fault, outcome.afterMs, now()))
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
    this.#wake(endpoint)
  }

  /** What ends by itself. */
  #check(): void {
    const now = this.#options.now()
    for (const endpoint of [...this.#endpoints.values()]) {
      const { row, principal } = endpoint
      if (now >= (principal.endsAt ?? Number.POSITIVE_INFINITY)) this.#end(endpoint, forbidden('Access has expired.'))
      else if (row.ending === null && row.expires_at !== null && now >= Date.parse(row.expires_at)) this.#expire(row.id)
      else if (row.previous_until !== null && now >= Date.parse(row.previous_until)) this.#forgetPrevious(endpoint)
    }
  }

  /** Nobody asked for it any longer: that is told to nobody. */
  #expire(id: string): void {
    this.#track(this.remove(id).then(() => this.#options.observe('ended')))
  }

  #forgetPrevious(endpoint: WebhookEndpoint): void {
    endpoint.row = { ...endpoint.row, previous_sealed: null, previous_until: null }
    const { id } = endpoint.row
    const work = async () => {
      endpoint.sign = await signerOfRow(endpoint.row, this.#options)
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
    endpoint.isRemoved = true
    clearTimeout(endpoint.timer)
    endpoint.follower.end()
    this.#lanes.delete(endpoint)
    this.#places.forget(endpoint)
  }

  #dropAll(): void {
    for (const id of [...this.#endpoints.keys()]) this.#drop(id)
  }
}
