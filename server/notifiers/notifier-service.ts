/** Notifiers for administrators of all accounts: their settings, test notices, and the results of attempts. */
import { randomBytes } from 'node:crypto'
import {
  type Notifier,
  type NotifierBody,
  type NotifierDelivery,
  type NotifierTargetInput,
  notifierBounds,
} from '../../contract/notifiers.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import { seesAll } from '../platform/visible-figures.ts'
import { isSecret } from '../webhooks/webhook-signer.ts'
import { type AttemptOptions, attemptNotice } from './notice-attempt.ts'
import { contentOf } from './notice-words.ts'
import type { NotifierStore } from './notifier-store.ts'
import type { NotifierRow } from './notifier-tables.ts'
import { missing, openTarget, sealTarget, type WholeTarget, wholeTarget } from './notifier-target.ts'
import { deliveryOf, routingOf, viewOf } from './notifier-view.ts'
import { type NamedAccount, warningsOf } from './unannounced-accounts.ts'

export interface NotifierServiceOptions extends AttemptOptions {
  store: NotifierStore
  hub: Pick<EventHub, 'publish'>
  /** Returns all accounts. */
  accounts(): Promise<readonly NamedAccount[]>
  /** Called after a change. */
  changed(): void
}

export class NotifierService {
  readonly #options: NotifierServiceOptions
  readonly #ids: RisingIds
  readonly #testIds: RisingIds
  readonly #deliveryIds: RisingIds

  constructor(options: NotifierServiceOptions) {
    this.#options = options
    this.#ids = new RisingIds('n', options.now)
    this.#testIds = new RisingIds('t', options.now)
    this.#deliveryIds = new RisingIds('d', options.now)
  }

  /** Empty for a caller that does not see all accounts. */
  async list(principal: Principal): Promise<Notifier[]> {
    const { store, secrets, accounts } = this.#options
    if (!seesAll(principal)) return []
    const notices = new Map((await store.listNotices()).map(notice => [notice.notifier_id, notice]))
    const views = (await store.list()).map(row => viewOf(row, notices.get(row.id), secrets))
    const known = await accounts()
    return views.map(view => ({ ...view, warnings: warningsOf(view, views, known) }))
  }

  async create(principal: Principal, body: NotifierBody): Promise<{ notifier: Notifier; secret: string | null }> {
    const { store, secrets } = this.#options
    this.#check(principal)
    const id = this.#ids.next()
    const { target: input, ...routing } = body
    const made = input.kind === 'webhook' && input.secret === undefined ? newSecret() : null
    const given = input.kind === 'webhook' && made !== null ? { ...input, secret: made } : input
    const target = await this.#targetOf(principal, given)
    await this.#checkEscalation(body, id)
    const row: NotifierRow = {
      ...{ id, routing: JSON.stringify(routing), target_sealed: sealTarget(secrets, id, target) },
      ...this.#changedBy(principal),
      ...{ noticed_at: null, failing_since: null, last_fault: null, last_success_at: null },
    }
    if (!(await store.insert(row))) {
      const message = `There are ${notifierBounds.notifiers} notifiers already; delete one first.`
      throw new Problem('not_possible_now', message)
    }
    this.#announceChange(principal)
    return { notifier: await this.#view(principal, id), secret: made }
  }

  async change(principal: Principal, id: string, body: NotifierBody): Promise<Notifier> {
    const { store, secrets, now } = this.#options
    const row = await this.#get(principal, id)
    const { target: input, ...routing } = body
    const target = await this.#targetOf(principal, input, openTarget(secrets, id, row.target_sealed))
    await this.#checkEscalation(body, id)
    const values = { routing: JSON.stringify(routing), target_sealed: sealTarget(secrets, id, target) }
    await store.change(id, { ...values, ...this.#changedBy(principal) }, now())
    this.#announceChange(principal)
    return this.#view(principal, id)
  }

  async delete(principal: Principal, id: string): Promise<void> {
    const { store } = this.#options
    await this.#get(principal, id)
    await store.delete(id)
    for (const row of await store.list()) {
      const routing = routingOf(row)
      if (routing.escalate?.notifier_id !== id) continue
      await store.setRouting(row.id, JSON.stringify({ ...routing, escalate: null }))
    }
    this.#announceChange(principal)
  }

  /** Sends a test notice immediately, beside pending ones. */
  async test(principal: Principal, id: string, signal: AbortSignal): Promise<NotifierDelivery> {
    const { store, now } = this.#options
    const row = await this.#get(principal, id)
    const notice = { id: this.#testIds.next(), content: contentOf([], 'test', undefined), at: now(), attempt: 1 }
    const { outcome, delivery } = await attemptNotice(this.#options, row, notice, signal)
    const isSent = outcome.kind === 'sent'
    const made = { ...delivery, id: this.#deliveryIds.next(), outcome: isSent ? 'delivered' : 'abandoned' }
    await store.transaction(transaction => store.note(transaction, made))
    return deliveryOf(made)
  }

  async deliveries(principal: Principal, id: string): Promise<NotifierDelivery[]> {
    await this.#get(principal, id)
    return (await this.#options.store.listDeliveries(id)).map(deliveryOf)
  }

  /** Notices may concern any account. @throws Problem */
  #check(principal: Principal): void {
    if (!seesAll(principal))
      throw new Problem('forbidden', 'Notifiers require an administrator with access to all accounts.')
  }

  async #targetOf({ kind }: Principal, input: NotifierTargetInput, before?: WholeTarget): Promise<WholeTarget> {
    // A token's policy restricts what it sends from an account, and even the name of a rule is text.
    if (kind === 'token' && input.kind === 'email' && input.account_id !== null) {
      throw new Problem('session_needed', 'Mail from an account is set up by users: a token could bypass its policy.')
    }
    if (before && before.kind !== input.kind) throw missing('kind', `is ${before.kind} and stays so`)
    const target = wholeTarget(input, before)
    if (target.kind === 'webhook' && !isSecret(target.secret)) {
      throw missing('secret', 'must be whsec_ and base64 of 24 to 64 bytes')
    }
    await this.#options.notifiers[target.kind].check(target)
    return target
  }

  async #checkEscalation({ escalate }: NotifierBody, id: string): Promise<void> {
    if (!escalate) return
    const isKnown = escalate.notifier_id !== id && (await this.#options.store.find(escalate.notifier_id)) !== undefined
    if (isKnown) return
    throw badInput('body.escalate.notifier_id', 'is not another notifier')
  }

  #changedBy({ name }: Principal) {
    return { changed_at: new Date(this.#options.now()).toISOString(), changed_by: name }
  }

  #announceChange(principal: Principal): void {
    const { hub, now, changed } = this.#options
    const data = { changed: ['notifiers'], principal: principal.name, at: new Date(now()).toISOString() }
    hub.publish({ type: 'configuration_updated', data })
    changed()
  }

  async #get(principal: Principal, id: string): Promise<NotifierRow> {
    this.#check(principal)
    const row = await this.#options.store.find(id)
    if (!row) throw unknown()
    return row
  }

  async #view(principal: Principal, id: string): Promise<Notifier> {
    const found = (await this.list(principal)).find(each => each.id === id)
    if (!found) throw unknown()
    return found
  }
}

function unknown(): Problem {
  return new Problem('not_found', 'There is no such notifier; it may have been deleted.')
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
