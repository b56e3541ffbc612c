/** Authenticates tokens from a cache, without the database; changes update the cache and what tokens have open. */
import { hash as digest } from 'node:crypto'
import { GatheredLookups } from '../platform/gathered-lookups.ts'
import type { Logger } from '../platform/logger.ts'
import type { AddressRanges } from '../platform/network/address-range.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { isToken, tokenLength } from './token-format.ts'
import { allowedRanges, toPrincipal } from './token-row.ts'
import type { OwnedTokenRow, TokenStore, TokenUse } from './token-store.ts'

export interface KnownTokensOptions {
  store: TokenStore
  now: () => number
  logger: Logger
  listener: PrincipalListener
}

interface KnownToken {
  readonly hash: string
  readonly tokenId: string
  readonly userId: string
  readonly principal: Principal
  /** True if its owner is disabled. */
  readonly isSuspended: boolean
  /** Undefined for any address. */
  readonly ranges: AddressRanges | undefined
  /** The allowed addresses, as stored. */
  readonly allowed: string
  /** The only server that accepts it, for an access token. */
  readonly audience: string | undefined
  /** When its use was last recorded; -Infinity for never. */
  usedAt: number
}

/** How stale `last_used_at` may be, in ms. */
const noteEveryMs = 60_000
/** Cached tokens; at most 1,000 exist. When full, the one cached first is evicted, and looked up again. */
const maxKnown = 2_000
/** Wrong tokens that are cached; when full, the one cached first is evicted. */
const maxUnknown = 2_000
const unknownMs = 30_000
/** Look-ups in flight; beyond it, callers with an unknown token are asked to retry. */
const maxLookups = 64

export class KnownTokens {
  readonly #options: KnownTokensOptions
  readonly #known = new Map<string, KnownToken>()
  /** Wrong tokens by hash, with the time until which they are not looked up again. */
  readonly #unknown = new Map<string, number>()
  readonly #lookups = new Map<string, Promise<KnownToken | undefined>>()
  readonly #rows: GatheredLookups<OwnedTokenRow>
  /** Uses that are not written yet; at most one per token. */
  #uses = new Map<string, TokenUse>()
  #writing: Promise<void> | undefined
  /** Counts changes, so that nothing read before one is cached after it. */
  #changes = 0
  /** Follows changes one after the other, so that the last one wins. */
  #following: Promise<void> = Promise.resolve()

  constructor(options: KnownTokensOptions) {
    this.#options = options
    this.#rows = new GatheredLookups({
      find: hashes => options.store.findByHashes(hashes),
      keyOf: row => row.token_hash,
      most: 16,
    })
  }

  /**
   * Returns undefined for an invalid token, and for an address that it does not allow. Synchronous, without the
   * database, for cached and malformed tokens.
   * @param audience The origin whose access tokens are accepted. Without it, none are.
   */
  authenticate(
    token: string,
    address: string,
    audience?: string,
  ): Principal | undefined | Promise<Principal | undefined> {
    // Anything longer is no token, and would cost more to hash.
    if (token.length !== tokenLength) return undefined
    const hash = hashOf(token)
    const known = this.#known.get(hash)
    if (known) return this.#use(known, address, audience)
    if (!isToken(token) || this.#isUnknown(hash)) return undefined
    return this.#lookUp(hash).then(found => found && this.#use(found, address, audience))
  }

  /**
   * Called after a change to a user or their tokens was committed, outside its transaction. When it resolves, the cache
   * is current and open streams were updated. If that cannot be read, all of them are closed.
   */
  follow(userId: string): Promise<void> {
    const followed = this.#following.then(() => this.#follow(userId))
    this.#following = followed.catch(() => undefined)
    return followed
  }

  /**
   * Called before a token is created; the result is called with its row after the commit. Nobody has used it and it has
   * nothing open, so its owner's other tokens are not affected.
   */
  learner(): (row: OwnedTokenRow) => void {
    const changes = this.#changes
    return row => {
      // If anything changed, the owner may be stale: the first use looks it up.
      if (changes === this.#changes) this.#keep(toKnown(row))
    }
  }

  /** Flushes earlier uses. */
  async stop(): Promise<void> {
    await this.#writing
  }

  #isUnknown(hash: string): boolean {
    const until = this.#unknown.get(hash)
    if (until === undefined) return false
    if (this.#options.now() < until) return true
    this.#unknown.delete(hash)
    return false
  }

  /** Coalesces look-ups of the same token. */
  #lookUp(hash: string): Promise<KnownToken | undefined> {
    const pending = this.#lookups.get(hash)
    if (pending) return pending
    if (this.#lookups.size >= maxLookups) {
      const detail = 'Too many tokens are being looked up; try again in a moment.'
      return Promise.reject(new Problem('overloaded', detail, { retryAfterSeconds: 1 }))
    }
    const lookup = this.#load(hash).finally(() => this.#lookups.delete(hash))
    this.#lookups.set(hash, lookup)
    return lookup
  }

  async #load(hash: string): Promise<KnownToken | undefined> {
    const changes = this.#changes
    const row = await this.#rows.find(hash)
    // Something changed meanwhile, so the row may be stale. Changes are rarer than reads, so this ends.
    if (changes !== this.#changes) return this.#known.get(hash) ?? this.#load(hash)
    if (row) return this.#keep(toKnown(row))
    makeRoom(this.#unknown, maxUnknown)
    this.#unknown.set(hash, this.#options.now() + unknownMs)
    return undefined
  }

  #keep(known: KnownToken): KnownToken {
    makeRoom(this.#known, maxKnown)
    this.#known.set(known.hash, known)
    return known
  }

  #use(known: KnownToken, address: string, audience: string | undefined): Principal | undefined {
    const now = this.#options.now()
    if (!this.#isUsable(known, now)) return undefined
    if (known.audience !== undefined && known.audience !== audience) return undefined
    if (known.ranges && !known.ranges.has(address)) return undefined
    // The absolute difference covers a clock that was set back.
    if (Math.abs(now - known.usedAt) >= noteEveryMs) {
      known.usedAt = now
      this.#note({ id: known.tokenId, at: new Date(now).toISOString(), address })
    }
    return known.principal
  }

  #isUsable({ isSuspended, principal: { endsAt } }: KnownToken, now: number): boolean {
    return !isSuspended && (endsAt === undefined || now < endsAt)
  }

  #note(use: TokenUse): void {
    this.#uses.set(use.id, use)
    this.#writing ??= this.#write()
  }

  /** Clears `#writing` in the same turn in which it finds nothing waiting, so that a later use starts it again. */
  async #write(): Promise<void> {
    while (this.#uses.size > 0) {
      // Batches the uses of one turn of the event loop in one commit.
      await new Promise(setImmediate)
      const uses = [...this.#uses.values()]
      this.#uses = new Map()
      await this.#options.store.noteUses(uses).catch((err: unknown) => {
        // Not retried: a token still in use is recorded again a minute later.
        this.#options.logger.warn({ err }, 'the last uses of tokens could not be recorded')
      })
    }
    this.#writing = undefined
  }

  async #follow(userId: string): Promise<void> {
    this.#changes++
    const read = async () =>
      (await this.#options.store.listSecretsOf(userId, new Date(this.#options.now()).toISOString())).map(toKnown)
    const after = await read().catch((error: unknown) => {
      this.#tell(this.#forget(userId), [])
      throw error
    })
    const before = this.#forget(userId)
    for (const token of after) this.#keep(token)
    this.#tell(before, after)
  }

  #forget(userId: string): KnownToken[] {
    const known = [...this.#known.values()].filter(token => token.userId === userId)
    for (const { hash } of known) this.#known.delete(hash)
    return known
  }

  #tell(before: readonly KnownToken[], after: readonly KnownToken[]): void {
    const { listener, now } = this.#options
    const current = new Map(after.map(token => [token.hash, token]))
    for (const { hash, allowed, principal, audience } of before) {
      // An expired access token says nothing about the others of its client.
      if (
        audience !== undefined &&
        (principal.endsAt ?? 0) <= now() &&
        after.some(({ principal: { id } }) => id === principal.id)
      )
        continue
      // Closes streams opened with an old secret or from an address no longer allowed; valid ones may reconnect.
      if (current.get(hash)?.allowed !== allowed) listener.revoked(principal.id)
    }
    for (const token of after) {
      if (this.#isUsable(token, now())) listener.changed(token.principal)
      else listener.revoked(token.principal.id)
    }
  }
}

/** Returns the stored hash. The secret is random, so one round of SHA-256 is enough. */
export function hashOf(token: string): string {
  return digest('sha256', token, 'hex')
}

function toKnown(row: OwnedTokenRow): KnownToken {
  return {
    hash: row.token_hash,
    tokenId: row.id,
    userId: row.user_id,
    principal: toPrincipal(row),
    isSuspended: row.owner_disabled !== 0,
    ranges: allowedRanges(row),
    allowed: row.allowed_addresses,
    audience: row.audience,
    usedAt: row.last_used_at === null ? -Infinity : Date.parse(row.last_used_at),
  }
}

/** Evicts the oldest, only if necessary, since iterating a Map skips over all earlier deletions. */
function makeRoom(map: Map<string, unknown>, max: number): void {
  if (map.size >= max) map.delete(map.keys().next().value!)
}
