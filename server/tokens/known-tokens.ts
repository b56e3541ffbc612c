/** Tells at once, without the database, who a token is. Changes are heard of here, and what is open follows them. */

import { GatheredLookups } from '../platform/gathered-lookups.ts'
import type { Logger } from '../platform/logger.ts'
import type { AddressRanges } from '../platform/network/address-range.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { hashOf, isToken, tokenLength } from './token-format.ts'
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
  /** Its owner is disabled. */
  readonly isSuspended: boolean
  /** Undefined for anywhere. */
  readonly ranges: AddressRanges | undefined
  /** The same, as it is kept. */
  readonly allowed: string
  /** Of an access token: the only server that takes it. */
  readonly audience: string | undefined
  /** As it is kept; -Infinity for never. */
  usedAt: number
}

/** How stale `last_used_at` may be. */
const noteEveryMs = 60_000
/** Tokens kept in memory; there are at most 1,000. When full the one that came first goes, and costs a look-up. */
const maxKnown = 2_000
/** Wrong tokens kept in mind; when full the one that came first goes. */
const maxUnknown = 2_000
const unknownMs = 30_000
/** Look-ups under way at once; past it a caller with a token never seen is told to come back. */
const maxLookups = 64

export class KnownTokens {
  readonly #options: KnownTokensOptions
  readonly #known = new Map<string, KnownToken>()
  /** By hash, until when it need not be looked up again. */
  readonly #unknown = new Map<string, number>()
  readonly #lookups = new Map<string, Promise<KnownToken | undefined>>()
  readonly #rows: GatheredLookups<OwnedTokenRow>
  /** Uses that are not written yet; one for each token at most. */
  #uses = new Map<string, TokenUse>()
  #writing: Promise<void> | undefined
  /** Counts the changes, so that nothing that was read before one is kept after it. */
  #changes = 0
  /** Changes are followed one after the other, so the last one has the last word. */
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
   * Undefined for nobody, which is also who comes from an address that the token does not allow.
   * @param audience What is asked takes access tokens that were issued for this origin. Without it, it takes none.
   */
  authenticate(
    token: string,
    address: string,
    audience?: string,
  ): Principal | undefined | Promise<Principal | undefined> {
    // What is longer is none, and would cost more to digest.
    if (token.length !== tokenLength) return undefined
    const hash = hashOf(token)
    const known = this.#known.get(hash)
    if (known) return this.#use(known, address, audience)
    if (!isToken(token) || this.#isUnknown(hash)) return undefined
    return this.#lookUp(hash).then(found => found && this.#use(found, address, audience))
  }

  /**
   * After a change to a user or to their tokens was committed, and not in its transaction: from when this resolves, they
   * are known as they are now, and what they have open was told. When that cannot be read, all of it is closed.
   */
  follow(userId: string): Promise<void> {
    const followed = this.#following.then(() => this.#follow(userId))
    this.#following = followed.catch(() => undefined)
    return followed
  }

  /**
   * To be asked for before a token is made, and called with it when that is committed: nobody has come with it and nothing of it is
   * open, so the others of its owner are left alone.
   */
  learner(): (row: OwnedTokenRow) => void {
    const changes = this.#changes
    return row => {
      // Its owner may be of before a change: then the first use looks it up.
      if (changes === this.#changes) this.#keep(toKnown(row))
    }
  }

  /** What was used before is still noted. */
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

  /** Callers that come with the same token meanwhile wait for the same answer. */
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
    // Something changed meanwhile: what was read may be of before. Changes are rarer than reads, so this ends.
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
    // Also when the clock was put back.
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

  /** Has ended in the very moment in which it saw that nothing waits: a later use begins it again. */
  async #write(): Promise<void> {
    while (this.#uses.size > 0) {
      // Whatever is used in the same turn of the event loop goes into one commit.
      await new Promise(setImmediate)
      const uses = [...this.#uses.values()]
      this.#uses = new Map()
      await this.#options.store.noteUses(uses).catch((err: unknown) => {
        // Not tried again: each is noted again when it is used a minute later.
        this.#options.logger.warn({ err }, 'could not note that tokens are in use')
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
      // An access token that ended by itself says nothing of the others of its client.
      if (
        audience !== undefined &&
        (principal.endsAt ?? 0) <= now() &&
        after.some(({ principal: { id } }) => id === principal.id)
      )
        continue
      // Streams opened with an old secret, or from an address that is no longer allowed, are closed; those that may reconnect are let in below.
      if (current.get(hash)?.allowed !== allowed) listener.revoked(principal.id)
    }
    for (const token of after) {
      if (this.#isUsable(token, now())) listener.changed(token.principal)
      else listener.revoked(token.principal.id)
    }
  }
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

/** The oldest is evicted. It is looked for only when it must be: a Map steps over all that was deleted before it. */
function makeRoom(map: Map<string, unknown>, max: number): void {
  if (map.size >= max) map.delete(map.keys().next().value!)
}
