/** The browsers that notify a user: subscribed, listed, tested and removed only by that user. */
import { createHash, ECDH, randomBytes } from 'node:crypto'
import type { PushDetails, PushSubscription } from '../../contract/push.ts'
import { mostSubscriptions } from '../../contract/push.ts'
import { maxUserAgent, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { PushDelivery } from './push-delivery.ts'
import { testContent } from './push-message.ts'
import type { PushServices } from './push-services.ts'
import type { PushStore } from './push-store.ts'
import type { PushRow } from './push-tables.ts'
import type { VapidKeys } from './vapid-keys.ts'

export interface PushServiceOptions {
  store: Pick<PushStore, 'listOf' | 'find' | 'put' | 'remove'>
  services: PushServices
  keys(): Promise<VapidKeys>
  delivery: Pick<PushDelivery, 'deliver'>
  now(): number
}

export interface PushInput {
  endpoint: string
  keys: { p256dh: string; auth: string }
  details: PushDetails
}

const bounds = { perUser: mostSubscriptions, inAll: 2_000 }
const sessionMark = 'session-'
const testTtlSeconds = 60

export class PushService {
  readonly #options: PushServiceOptions

  constructor(options: PushServiceOptions) {
    this.#options = options
  }

  async get(principal: Principal) {
    const { store, services, keys } = this.#options
    const rows = await store.listOf(ownerOf(principal))
    return {
      public_key: services.isOff ? null : (await keys()).publicKey,
      services: [...services.patterns],
      items: rows.map(toSubscription),
    }
  }

  async subscribe(principal: Principal, input: PushInput, userAgent: string): Promise<PushSubscription> {
    const { store, services, now } = this.#options
    const userId = ownerOf(principal)
    this.#refuseOff()
    const endpoint = services.check(input.endpoint).href
    const p256dh = unpadded(input.keys.p256dh)
    refuseNoPoint(p256dh)
    const row: PushRow = {
      id: `p${randomBytes(8).toString('hex')}`,
      user_id: userId,
      session_id: principal.id.slice(sessionMark.length),
      endpoint,
      p256dh,
      auth: unpadded(input.keys.auth),
      details: input.details,
      user_agent: userAgent.slice(0, maxUserAgent),
      created_at: new Date(now()).toISOString(),
      ...{ last_success_at: null, failing_since: null, last_fault: null },
    }
    return toSubscription(await store.put(row, bounds))
  }

  /** @throws Problem if it does not exist, or belongs to another user. */
  async unsubscribe(principal: Principal, id: string): Promise<void> {
    if (!(await this.#options.store.remove(id, ownerOf(principal)))) throw noSubscription()
  }

  async test(principal: Principal, id: string, signal: AbortSignal) {
    const { store, delivery } = this.#options
    const userId = ownerOf(principal)
    this.#refuseOff()
    const row = await store.find(id)
    if (row?.user_id !== userId) throw noSubscription()
    const outcome = await delivery.deliver(row, testContent, testTtlSeconds, signal)
    return { is_accepted: outcome.kind === 'sent', why: outcome.kind === 'sent' ? null : outcome.why }
  }

  #refuseOff(): void {
    if (this.#options.services.isOff) throw new Problem('push_off', 'RUSTYMAIL_PUSH_SERVICES names no push service.')
  }
}

/** The gate admits only users. */
function ownerOf({ kind, userId }: Principal): string {
  if (kind !== 'session' || userId === null) throw new Problem('session_needed', 'Sign in to be notified.')
  return userId
}

function toSubscription(row: PushRow): PushSubscription {
  const { id, endpoint, user_agent, details, created_at, last_success_at, failing_since: since, last_fault } = row
  return {
    id,
    fingerprint: createHash('sha256').update(endpoint).digest('hex'),
    service: new URL(endpoint).host,
    ...{ user_agent, details, created_at, last_success_at },
    failing: since === null ? null : { since, why: last_fault ?? '' },
  }
}

function unpadded(base64url: string): string {
  return base64url.replace(/=+$/, '')
}

/** A value that is not a point of the curve would fail at each notification. */
function refuseNoPoint(p256dh: string): void {
  try {
    ECDH.convertKey(Buffer.from(p256dh, 'base64url'), 'prime256v1')
  } catch {
    const message = 'is not a public key of the curve P-256'
    throw new Problem('bad_request', `body.keys.p256dh: ${message}`, {
      errors: [{ path: 'body.keys.p256dh', message }],
    })
  }
}

function noSubscription(): Problem {
  return new Problem('not_found', 'There is no such subscription of yours.')
}
