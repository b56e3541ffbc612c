/**
 * Policies of tokens: cached in memory, since every call of a program needs one; stored with their token, and reloaded
 * when another process changes one.
 */
import { defaultPolicy, type PolicyAnswer, type TokenPolicy } from '../../contract/policy.ts'
import { policyWords } from '../../contract/policy-words.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { PolicyRates } from './policy-rates.ts'
import type { PolicyStore } from './policy-store.ts'
import type { PolicyRow } from './policy-tables.ts'
import { type ReadPolicy, readPolicy, unreadablePolicy } from './stored-policy.ts'
import { isTimeZone } from './working-hours.ts'

export interface PolicyOwner {
  user_id: string
  name: string
}

export interface PolicyServiceOptions {
  store: PolicyStore
  rates: PolicyRates
  hub: Pick<EventHub, 'transact' | 'listen'>
  /** Returns the owner of a token; undefined if there is no such token. */
  ownerOf(tokenId: string): Promise<PolicyOwner | undefined>
  /** Finds a caller with its current rights; undefined if its session or user has ended. */
  findCaller(principal: Principal, transaction: Database): Promise<Principal | undefined>
  now(): number
  logger: Logger
}

interface Kept extends ReadPolicy {
  row: PolicyRow
  /** The number of the read that found it. */
  read: number
}

const tokenMark = 'token-'
const forgetEveryMs = 60 * 60_000
const retryMs = 1_000

export class PolicyService {
  readonly #options: PolicyServiceOptions
  readonly #kept = new Map<string, Kept>()
  /** Tokens whose policy was changed by another process and could not be reloaded yet. */
  readonly #stale = new Set<string>()
  /** Reads begun so far. Of two the later one counts, whatever times their rows name: a clock may have been set back. */
  #reads = 0
  readonly #stopped = new AbortController()
  readonly #unsubscribe: (() => void)[] = []

  constructor(options: PolicyServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { store, hub, rates, logger } = this.#options
    this.#unsubscribe.push(
      hub.listen('token_updated', ({ token_id: tokenId, changed }) => {
        if (changed.includes('policy')) void this.#follow(tokenId)
      }),
      hub.listen('token_revoked', ({ token_id: tokenId }) => this.#kept.delete(tokenId)),
    )
    // After listening, so that no change is missed in between.
    const read = ++this.#reads
    for (const row of await store.list()) this.#keep(row, read)
    const failed = (err: unknown) => logger.error({ err }, 'policies could not be followed')
    every(retryMs, this.#stopped.signal, () => this.#stale.forEach(tokenId => void this.#follow(tokenId)), failed)
    every(forgetEveryMs, this.#stopped.signal, () => void rates.forget().catch(failed), failed)
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#stopped.abort()
  }

  /**
   * Returns the cached policy; undefined for people, who are not judged. The API key of the environment has the
   * default.
   */
  policyOf = ({ kind, id }: Pick<Principal, 'kind' | 'id'>): TokenPolicy | undefined => {
    if (kind === 'session') return undefined
    return this.#kept.get(tokenIdOf(id) ?? '')?.policy ?? defaultPolicy
  }

  /**
   * Reads the current policy from the database, whichever process changed it; to be used in the transaction that acts
   * on it. Undefined for people.
   */
  async read({ kind, id }: Pick<Principal, 'kind' | 'id'>, db?: Database): Promise<ReadPolicy | undefined> {
    if (kind === 'session') return undefined
    const tokenId = tokenIdOf(id)
    const row = tokenId === undefined ? undefined : await this.#options.store.find(tokenId, db)
    return readPolicy(row?.policy)
  }

  /** For the token's owner, administrators, and the token itself. */
  async get(principal: Principal, tokenId: string): Promise<PolicyAnswer> {
    await this.#owner(principal, tokenId)
    return this.#view(tokenId)
  }

  /** Takes effect for all further requests of the token; messages that wait are judged again. */
  async set(principal: Principal, tokenId: string, policy: TokenPolicy): Promise<PolicyAnswer> {
    const { store, hub, findCaller, now } = this.#options
    if (principal.kind !== 'session') {
      throw new Problem('session_needed', 'Sign in to change a policy; tokens and the API key are not allowed to.')
    }
    const owner = await this.#owner(principal, tokenId)
    const { user_id, name } = owner
    const timeZone = policy.sending.hours?.time_zone
    if (timeZone !== undefined && !isTimeZone(timeZone)) {
      throw badInput('body.sending.hours.time_zone', 'is not a time zone of the IANA database such as Europe/Vienna')
    }
    const at = new Date(now()).toISOString()
    const row = { token_id: tokenId, policy: JSON.stringify(policy), changed_at: at, changed_by: principal.name }
    await hub.transact(async (transaction, publish) => {
      // It may have waited behind the transaction that ended or demoted the caller.
      const caller = await findCaller(principal, transaction)
      if (!caller) throw new Problem('unauthorized', 'Your session has ended; sign in again.')
      if (!mayReach(caller, tokenId, owner)) throw noToken()
      await store.save(transaction, row)
      publish({ type: 'token_updated', data: { token_id: tokenId, name, user_id, at, changed: ['policy'] } })
    })
    // Read back, since another process may have stored a later one by now.
    if (!(await this.#follow(tokenId))) this.#keep(row, ++this.#reads)
    return this.#view(tokenId)
  }

  async #owner(principal: Principal, tokenId: string): Promise<PolicyOwner> {
    const owner = await this.#options.ownerOf(tokenId)
    if (owner && mayReach(principal, tokenId, owner)) return owner
    throw noToken()
  }

  async #view(tokenId: string): Promise<PolicyAnswer> {
    const kept = this.#kept.get(tokenId)
    const policy = kept?.policy ?? defaultPolicy
    return {
      token_id: tokenId,
      policy,
      is_default: kept === undefined,
      words: kept?.isUnreadable ? [unreadablePolicy] : policyWords(policy),
      changed_at: kept?.row.changed_at ?? null,
      changed_by: kept?.row.changed_by ?? null,
      used: await this.#options.rates.used(tokenMark + tokenId),
    }
  }

  /** @param read The number of the read that found the row. */
  #keep(row: PolicyRow, read: number): void {
    const known = this.#kept.get(row.token_id)
    if (known && known.read > read) return
    const policy = readPolicy(row.policy)
    if (policy.isUnreadable)
      this.#options.logger.error({ token_id: row.token_id }, 'a policy cannot be read: nothing is allowed')
    this.#kept.set(row.token_id, { row, read, ...policy })
  }

  /** @returns Whether it could be read. */
  async #follow(tokenId: string): Promise<boolean> {
    const read = ++this.#reads
    try {
      const row = await this.#options.store.find(tokenId)
      this.#stale.delete(tokenId)
      if (row) this.#keep(row, read)
      else this.#kept.delete(tokenId)
      return true
    } catch (err) {
      if (!this.#stale.has(tokenId)) this.#options.logger.error({ err }, 'a policy could not be read')
      this.#stale.add(tokenId)
      return false
    }
  }
}

function tokenIdOf(principalId: string): string | undefined {
  return principalId.startsWith(tokenMark) ? principalId.slice(tokenMark.length) : undefined
}

function mayReach({ kind, id, userId, scopes }: Principal, tokenId: string, owner: PolicyOwner): boolean {
  if (kind === 'token') return id === tokenMark + tokenId
  return scopes.has('dashboard:admin') || owner.user_id === userId
}

function noToken(): Problem {
  return new Problem('token_not_found', 'There is no such token.')
}
