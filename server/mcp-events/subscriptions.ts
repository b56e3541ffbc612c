/** `events/subscribe` and `events/unsubscribe`: webhooks of programs that prove they want events, and renew in time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../platform/principal.ts'
import { TokenBuckets } from '../platform/rate-limits.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { WebhookEndpoints } from '../webhooks/webhook-endpoints.ts'
import type { WebhookSender } from '../webhooks/webhook-sender.ts'
import { isSecret, signerOf } from '../webhooks/webhook-signer.ts'
import { secretContext, type WebhookRow } from '../webhooks/webhook-tables.ts'
import type { EventReading } from './event-reading.ts'
import type { RequestedEvent } from './event-types.ts'
import {
  callbackEndpointError,
  challengeIn,
  control,
  controlId,
  forbidden,
  invalidParams,
  notFound,
  resourceExhausted,
  subscriptionHeader,
} from './events-wire.ts'
import type { SubscriptionSettings } from './mcp-webhooks.ts'

export interface SubscriptionsOptions {
  endpoints: Pick<WebhookEndpoints, 'find' | 'verifiedAt' | 'add' | 'renew' | 'remove'>
  sender: Pick<WebhookSender, 'send'>
  secrets: SecretBox
  reading: EventReading
  now(): number
  bounds?: Partial<SubscriptionBounds>
}

export interface SubscriptionBounds {
  perPrincipal: number
  inAll: number
  verificationsPerMinute: number
}

export interface SubscriptionRequest {
  asked: RequestedEvent
  /** The arguments as the caller sent them, which identify the subscription. */
  given: Record<string, unknown>
  url: string
  secret: string
  cursor?: string | null | undefined
  maxAgeMs?: number | null | undefined
  /** Null asks for no expiry, which is not granted. */
  ttlMs?: number | null | undefined
}

const defaultBounds: SubscriptionBounds = { perPrincipal: 50, inAll: 2_000, verificationsPerMinute: 20 }
const minute = 60_000
const day = 24 * 60 * minute
const ttl = { least: 5 * minute, default: day, most: 7 * day }
/** How long a verification holds, for this principal and URL. */
const verifiedMs = day
/** How long a replaced secret keeps signing beside the new one. */
const rotationMs = 10 * minute

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #bounds: SubscriptionBounds
  /** Rate limits by host and by principal, so that verifications cannot be turned against others. */
  readonly #verifications: TokenBuckets

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    this.#bounds = { ...defaultBounds, ...options.bounds }
    this.#verifications = new TokenBuckets({ perMinute: this.#bounds.verificationsPerMinute, now: options.now })
  }

  /** @throws McpError */
  async subscribe(principal: Principal, input: SubscriptionRequest, signal: AbortSignal) {
    const { endpoints, secrets, reading, now } = this.#options
    refuseOthers(principal)
    const { asked, secret } = input
    const url = checkedUrl(input.url)
    if (!isSecret(secret)) throw invalidParams('delivery.secret: must be whsec_ and base64 of 24 to 64 random bytes')
    const id = subscriptionId(principal, url, asked, input.given)
    const start = reading.start(input.cursor)
    const floor = input.cursor ? reading.floorOf(input.maxAgeMs) : undefined
    const isOlder = floor !== undefined && (await reading.hasOlder(asked, principal, start.after, floor))
    const known = await endpoints.find(id)
    const isLive = known !== undefined && known.ending === null
    const verified_at = await this.#verify(principal, id, url, secret, signal)
    const settings: SubscriptionSettings = { asked, ...(floor && !isLive && { floor }) }
    const expires_at = new Date(now() + grantedMs(input.ttlMs)).toISOString()
    const secret_sealed = secrets.seal(secret, secretContext(id))
    const at = new Date(now()).toISOString()
    if (isLive) {
      const values = { secret_sealed, ...this.#rotated(known, secret), verified_at, expires_at }
      if (!(await endpoints.renew(id, values, principal))) throw notFound('subscription')
    } else {
      if (known) await endpoints.remove(id)
      const row: WebhookRow = {
        ...{ id, kind: 'mcp', principal_kind: principal.kind, principal_id: principal.id, user_id: principal.userId },
        ...{ url, secret_sealed, previous_sealed: null, previous_until: null, settings: JSON.stringify(settings) },
        ...{ place: start.after, created_at: at, verified_at, expires_at, failing_since: null, failures: 0 },
        ...{ next_try_at: null, last_success_at: null, last_fault: null, ending: null },
      }
      const reached = await endpoints.add(row, principal, this.#bounds)
      if (reached !== undefined) throw resourceExhausted('subscriptions', reached)
    }
    return {
      id,
      refreshBefore: expires_at,
      cursor: reading.cursorOf(isLive ? known.place : start.after),
      truncated: !isLive && (start.isTruncated || isOlder),
      ...(isLive && { deliveryStatus: statusOf(known) }),
    }
  }

  /** @throws McpError */
  async unsubscribe(principal: Principal, asked: RequestedEvent, given: Record<string, unknown>, url: string) {
    const { endpoints } = this.#options
    refuseOthers(principal)
    if (!(await endpoints.remove(subscriptionId(principal, checkedUrl(url), asked, given))))
      throw notFound('subscription')
  }

  #rotated(known: WebhookRow, secret: string): Partial<WebhookRow> {
    const { secrets, now } = this.#options
    if (secrets.open(known.secret_sealed, secretContext(known.id)) === secret) return {}
    const previous_until = new Date(now() + rotationMs).toISOString()
    return { previous_sealed: known.secret_sealed, previous_until }
  }

  /** Performs the handshake unless it was passed recently. @returns When it was passed. */
  async #verify(
    { id: principalId }: Principal,
    id: string,
    url: string,
    secret: string,
    signal: AbortSignal,
  ): Promise<string> {
    const { endpoints, sender, now } = this.#options
    const last = await endpoints.verifiedAt(principalId, url)
    if (last !== undefined && now() - Date.parse(last) < verifiedMs) return last
    for (const key of [`host ${new URL(url).host}`, `principal ${principalId}`]) {
      if (!this.#verifications.take(key).isAllowed) {
        throw resourceExhausted('verifications', this.#bounds.verificationsPerMinute)
      }
    }
    const challenge = randomBytes(24).toString('base64url')
    const message = {
      id: controlId('verification', randomBytes(12).toString('hex')),
      body: control.verification(challenge),
    }
    const sign = await signerOf([secret])
    const outcome = await sender.send({ url, message, sign, headers: { [subscriptionHeader]: id }, signal })
    signal.throwIfAborted()
    if (outcome.kind !== 'sent') throw callbackEndpointError(outcome.fault)
    if (!isSame(challengeIn(outcome.text), challenge)) throw callbackEndpointError('challenge_failed')
    return new Date(now()).toISOString()
  }
}

/** Returns an id derived from principal, URL, event and arguments, independent of their order. */
function subscriptionId(
  { id }: Principal,
  url: string,
  { name }: RequestedEvent,
  given: Record<string, unknown>,
): string {
  const key = JSON.stringify([id, url, name, canonical(given)])
  return `sub_${createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return entries.map(([name, inner]) => [name, canonical(inner)])
}

/** A session ends at sign-out and serves the page; programs have tokens. */
function refuseOthers({ kind }: Principal): void {
  if (kind === 'session' || kind === 'anonymous') throw forbidden('Webhooks are for API tokens.')
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text)) throw invalidParams('delivery.url: is not a URL')
  const url = new URL(text)
  if (url.protocol !== 'https:') throw invalidParams('delivery.url: must begin with https://')
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw invalidParams('delivery.url: must have neither credentials nor a fragment')
  }
  return url.href
}

function grantedMs(asked: number | null | undefined): number {
  if (asked === undefined) return ttl.default
  return Math.min(Math.max(asked ?? ttl.most, ttl.least), ttl.most)
}

function statusOf({ failures, failing_since, last_success_at, last_fault }: WebhookRow) {
  return {
    active: true,
    lastDeliveryAt: last_success_at,
    lastError: failures > 0 ? last_fault : null,
    ...(failing_since !== null && { failedSince: failing_since }),
  }
}

function isSame(given: string | undefined, wanted: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}
