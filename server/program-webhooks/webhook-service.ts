/** Webhooks of programs, as their owners see and change them. The engine delivers. */
import { randomBytes } from 'node:crypto'
import type { Webhook, WebhookDelivery } from '../../contract/webhooks.ts'
import { webhookBounds } from '../../contract/webhooks.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Logger } from '../platform/logger.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { seesAll } from '../platform/visible-figures.ts'
import type { WebhookEndpoints } from '../webhooks/webhook-endpoints.ts'
import { signerOfRow } from '../webhooks/webhook-row-signer.ts'
import type { WebhookSender } from '../webhooks/webhook-sender.ts'
import {
  noAccount,
  secretContext,
  type WebhookBacklogRow,
  type WebhookEnding,
  type WebhookRow,
} from '../webhooks/webhook-tables.ts'
import { type DeliveryLog, shown } from './delivery-log.ts'
import { control, settingsOf, type WebhookSettings } from './program-webhooks.ts'

export interface WebhookServiceOptions {
  endpoints: Pick<WebhookEndpoints, 'find' | 'list' | 'backlogs' | 'add' | 'renew' | 'restart' | 'remove'>
  sender: Pick<WebhookSender, 'send'>
  secrets: SecretBox
  places: EventHub['places']
  log: DeliveryLog
  /** Returns the current rights of a webhook's principal; undefined if it has none. */
  standing(row: Pick<WebhookRow, 'principal_kind' | 'principal_id'>): Promise<Principal | undefined>
  /** Whether a token exists, whatever its rights. */
  hasToken(tokenId: string): Promise<boolean>
  /** @throws Problem for a search that is invalid, or needs more rights than its owner has. */
  checkQuery(owner: Principal, query: string): void
  now(): number
  logger: Logger
}

export interface NewWebhook extends WebhookSettings {
  url: string
  token_id?: string | undefined
}

type WebhookChange = { [Key in keyof WebhookSettings]?: WebhookSettings[Key] | undefined } & {
  url?: string | undefined
}

const tokenMark = 'token-'
const bounds = { perPrincipal: webhookBounds.perPrincipal, inAll: webhookBounds.inAll }
const testTimeoutMs = 10_000
const begun = { ending: null, failures: 0, failing_since: null, next_try_at: null, last_fault: null }

export class WebhookService {
  readonly #options: WebhookServiceOptions
  readonly #stopped = new AbortController()
  readonly #sweeps = new Set<Promise<void>>()

  constructor(options: WebhookServiceOptions) {
    this.#options = options
  }

  /** Removes webhooks of tokens that were revoked while no process listened. */
  async start(): Promise<void> {
    const rows = await this.#options.endpoints.list('program')
    for (const id of new Set(rows.map(row => row.principal_id))) await this.#sweep(id)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all(this.#sweeps)
  }

  async list(principal: Principal): Promise<Webhook[]> {
    const { endpoints } = this.#options
    const rows = await endpoints.list('program', principal.kind === 'token' ? principal.id : undefined)
    const backlogs = await endpoints.backlogs()
    return rows.filter(row => isTheirs(principal, row)).map(row => this.#view(row, backlogs.get(row.id)))
  }

  async get(principal: Principal, id: string): Promise<Webhook> {
    return this.#viewNow(await this.#find(principal, id))
  }

  async create(principal: Principal, { url, token_id, ...settings }: NewWebhook) {
    const { endpoints, secrets, places, now, logger } = this.#options
    const owner = await this.#ownerOf(principal, token_id)
    this.#check(owner, settings)
    const id = `hook_${randomBytes(12).toString('hex')}`
    const secret = newSecret()
    const at = new Date(now()).toISOString()
    const row: WebhookRow = {
      ...{ id, kind: 'program', principal_kind: owner.kind, principal_id: owner.id, user_id: owner.userId },
      ...{
        url: checkedUrl(url),
        secret_sealed: secrets.seal(secret, secretContext(id)),
        settings: JSON.stringify(settings),
      },
      ...{ previous_sealed: null, previous_until: null, place: places.newest, created_at: at, verified_at: at },
      ...{ expires_at: null, last_success_at: null, ...begun },
    }
    const reached = await endpoints.add(row, owner, bounds)
    if (reached !== undefined) throw new Problem('too_many_webhooks', `There are ${reached} already; delete one first.`)
    logger.info({ webhook: id, principal: owner.id }, 'a webhook was created')
    return { webhook: this.#view(row), secret }
  }

  async change(principal: Principal, id: string, { url, ...change }: WebhookChange): Promise<Webhook> {
    const row = await this.#find(principal, id)
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const settings: WebhookSettings = { ...settingsOf(row), ...given }
    const owner = await this.#standing(row)
    this.#check(owner, settings)
    const values = { settings: JSON.stringify(settings), ...(url !== undefined && { url: checkedUrl(url) }) }
    return this.#restart(row, values, owner)
  }

  async delete(principal: Principal, id: string): Promise<void> {
    const { endpoints, log } = this.#options
    await this.#find(principal, id)
    if (!(await endpoints.remove(id))) throw notFound()
    log.forget(id)
  }

  async rotate(principal: Principal, id: string, keepMinutes: number) {
    const { endpoints, secrets, now } = this.#options
    const row = await this.#find(principal, id)
    const secret = newSecret()
    const previous = {
      previous_sealed: keepMinutes > 0 ? row.secret_sealed : null,
      previous_until: keepMinutes > 0 ? new Date(now() + keepMinutes * 60_000).toISOString() : null,
    }
    const values = { secret_sealed: secrets.seal(secret, secretContext(id)), ...previous }
    // A disabled webhook stays disabled; the secret counts once it is enabled.
    await endpoints.restart(id, values, await this.#standing(row))
    return { webhook: await this.get(principal, id), secret }
  }

  /** Sends a test message immediately, beside the queue; it shows how the endpoint responds, and moves no place. */
  async test(principal: Principal, id: string, signal: AbortSignal): Promise<WebhookDelivery> {
    const { sender, secrets, log, now } = this.#options
    const row = await this.#find(principal, id)
    const sign = await signerOfRow(row, { secrets, now })
    const message = control('test', `test_${randomBytes(12).toString('hex')}`, {
      webhook_id: id,
      name: settingsOf(row).name,
    })
    const bounded = AbortSignal.any([signal, this.#stopped.signal, AbortSignal.timeout(testTimeoutMs)])
    const at = now()
    const headers = { 'rustymail-webhook': id }
    const outcome = await sender.send({ url: row.url, message, sign, headers, signal: bounded })
    const attempt = { message, outcome, at, durationMs: now() - at }
    log.add(id, attempt)
    return shown(attempt, seesPrivate(principal))
  }

  async replay(
    principal: Principal,
    id: string,
    { after, from }: { after?: string | undefined; from?: string | undefined },
  ) {
    const row = await this.#find(principal, id)
    const owner = await this.#standing(row)
    const place = after === undefined ? await this.#options.places.placeBefore(from ?? '') : this.#placeOf(after)
    return this.#restart(row, { place, next_try_at: null }, owner)
  }

  /** Disables a webhook, which keeps its place as long as the log holds the following facts. */
  async disable(principal: Principal, id: string): Promise<Webhook> {
    const row = await this.#find(principal, id)
    if (row.ending !== null) return this.#viewNow(row)
    const ending: WebhookEnding = { why: 'asked', detail: 'It was disabled.' }
    return this.#restart(row, { ...begun, ending: JSON.stringify(ending) }, principal)
  }

  async enable(principal: Principal, id: string): Promise<Webhook> {
    const row = await this.#find(principal, id)
    return this.#restart(row, begun, await this.#standing(row))
  }

  async deliveries(principal: Principal, id: string): Promise<WebhookDelivery[]> {
    await this.#find(principal, id)
    return this.#options.log.list(id, principal, seesPrivate(principal))
  }

  changed(): void {}

  /** Removes the webhooks of a revoked token. */
  revoked(principalId: string): void {
    const sweep: Promise<void> = this.#sweep(principalId)
      .catch((err: unknown) =>
        this.#options.logger.warn({ err, principalId }, 'webhooks of a revoked token were not removed'),
      )
      .finally(() => this.#sweeps.delete(sweep))
    this.#sweeps.add(sweep)
  }

  async #sweep(principalId: string): Promise<void> {
    const { endpoints, hasToken, log } = this.#options
    if (!principalId.startsWith(tokenMark) || (await hasToken(principalId.slice(tokenMark.length)))) return
    for (const { id } of await endpoints.list('program', principalId)) {
      await endpoints.remove(id)
      log.forget(id)
    }
  }

  async #restart(row: WebhookRow, values: Partial<WebhookRow>, owner: Principal): Promise<Webhook> {
    const { endpoints } = this.#options
    if (!(await endpoints.restart(row.id, values, owner))) throw notFound()
    const found = await endpoints.find(row.id)
    if (!found) throw notFound()
    return this.#viewNow(found)
  }

  async #find(principal: Principal, id: string): Promise<WebhookRow> {
    const row = await this.#options.endpoints.find(id)
    if (row?.kind !== 'program' || !isTheirs(principal, row)) throw notFound()
    return row
  }

  async #ownerOf(principal: Principal, tokenId: string | undefined): Promise<Principal> {
    if (principal.kind !== 'session') {
      if (tokenId === undefined || `${tokenMark}${tokenId}` === principal.id) return principal
      throw invalid('token_id', 'is only for signed-in users: a token creates webhooks of its own')
    }
    if (tokenId === undefined) throw invalid('token_id', 'must name one of your tokens: its rights decide what is sent')
    const owner = await this.#options.standing({ principal_kind: 'token', principal_id: `${tokenMark}${tokenId}` })
    if (owner?.userId !== principal.userId) {
      throw new Problem('token_not_found', 'You have no such token, or it may not be used.')
    }
    return owner!
  }

  async #standing(row: WebhookRow): Promise<Principal> {
    const owner = await this.#options.standing(row)
    if (!owner) throw new Problem('forbidden', 'Its token has expired, or a human stopped what it may read.')
    return owner
  }

  #check(owner: Principal, { accounts, query }: WebhookSettings): void {
    if (query !== null) this.#options.checkQuery(owner, query)
    const unknown = accounts.find(id => !maySeeAccount(owner, id))
    if (unknown !== undefined) throw new Problem('account_not_found', `Its token sees no account ${unknown}.`)
  }

  /** Facts that the log no longer holds are skipped. */
  #placeOf(event: string): number {
    const { places } = this.#options
    const position = places.locate(event.replace(/^evt_/, ''))
    if ('after' in position) return position.after
    if (position.gap === 'expired') return places.oldest - 1
    throw invalid('after', 'is not an event of this server')
  }

  async #viewNow(row: WebhookRow): Promise<Webhook> {
    return this.#view(row, (await this.#options.endpoints.backlogs(row.id)).get(row.id))
  }

  #view(row: WebhookRow, backlogs: readonly WebhookBacklogRow[] = []): Webhook {
    const { places } = this.#options
    const { name, types, accounts, query, order } = settingsOf(row)
    const ending = row.ending === null ? null : (JSON.parse(row.ending) as WebhookEnding)
    const { id, url, failures, failing_since, next_try_at, last_success_at, last_fault, created_at } = row
    return {
      ...{
        id,
        name,
        url,
        principal: { kind: row.principal_kind === 'api_key' ? 'api_key' : 'token', id: row.principal_id },
      },
      ...{ types, accounts, query, order },
      state: ending ? 'disabled' : failures > 0 || backlogs.length > 0 ? 'failing' : 'active',
      disabled: ending && { why: ending.why, detail: ending.detail },
      place: `evt_${places.idOf(Number(row.place))}`,
      behind: Math.max(0, places.newest - Number(row.place)),
      ...{ failures, failing_since, next_try_at, last_success_at, created_at },
      last_fault: last_fault as Webhook['last_fault'],
      previous_secret_until: row.previous_until,
      waiting: backlogs.map(each => ({
        ...{
          account_id: each.account_id === noAccount ? null : each.account_id,
          behind: Math.max(0, places.newest - Number(each.place)),
        },
        ...{ failures: each.failures, failing_since: each.failing_since, next_try_at: each.next_try_at },
        last_fault: each.last_fault as Webhook['last_fault'],
      })),
    }
  }
}

function isAdmin({ scopes }: Principal): boolean {
  return scopes.has('dashboard:admin')
}

function seesPrivate(principal: Principal): boolean {
  return isAdmin(principal) && principal.kind !== 'token'
}

function isOwn({ kind, id, userId }: Principal, row: WebhookRow): boolean {
  return row.principal_id === id || (kind === 'session' && userId !== null && row.user_id === userId)
}

/** URL and events belong to the owner: an administrator's token with a list of accounts sees no others' webhooks. */
function isTheirs(principal: Principal, row: WebhookRow): boolean {
  return isOwn(principal, row) || (isAdmin(principal) && seesAll(principal))
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text)) throw invalid('url', 'is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw invalid('url', 'must begin with https://')
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw invalid('url', 'must have neither credentials nor a fragment')
  }
  return url.href
}

function invalid(field: string, message: string): Problem {
  return badInput(`body.${field}`, message)
}

function notFound(): Problem {
  return new Problem('webhook_not_found', 'There is no such webhook; it may have been deleted.')
}
