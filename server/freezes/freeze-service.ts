/** The kill switch: humans freeze what a caller, an account or all programs do, and lift that. Freezes are cached. */
import { randomBytes } from 'node:crypto'
import type { Freeze } from '../../contract/freezes.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { databaseFaultKind } from '../platform/database/database-fault.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type Acting, ActiveFreezes, FreezeStops } from './active-freezes.ts'
import type { FreezeStore } from './freeze-store.ts'
import type { FreezeRow } from './freeze-tables.ts'
import { principalIdOf, toFreeze, tokenIdOf } from './freeze-view.ts'

export interface FreezeServiceOptions {
  store: FreezeStore
  hub: Pick<EventHub, 'transact' | 'listen'>
  /** Returns the owner of a token: null if it has none, undefined if there is no such token. */
  ownerOf(tokenId: string): Promise<string | null | undefined>
  accountIds(): Promise<ReadonlySet<string>>
  now(): number
  logger: Logger
}

/** What to freeze: exactly one of the first three fields. */
export interface FreezeInput {
  principal?: string | undefined
  account_id?: string | undefined
  everything?: true | undefined
  reads: Freeze['reads']
  reason?: string | undefined
}

type Target = Pick<FreezeRow, 'target' | 'principal_id' | 'account_id'>

/** Lifted freezes that are kept. */
const keptLifted = 1_000
const mostListed = 200
/** Unstored freezes that are kept; past it, one that cannot be stored is refused. */
const mostUnstored = 100
/** Pause before the database is read or written again after an error. */
const retryMs = 500

export class FreezeService {
  readonly #options: FreezeServiceOptions
  readonly #stopped = new AbortController()
  /** Active freezes that are committed. */
  #stored: readonly FreezeRow[] = []
  /** Freezes that apply but are not committed yet. */
  readonly #beginning = new Set<FreezeRow>()
  /** The ones among `#beginning` that the database did not accept; storing is retried. */
  readonly #unstored = new Set<FreezeRow>()
  #isStoring = false
  /** Checks the freezes, at the gate. */
  readonly stops = new FreezeStops()
  /** Counts changes by this process, so that an older read of the database is not taken for newer. */
  #changes = 0
  #isBehind = false
  readonly #listeners = new Set<() => void>()
  #stopListening: (() => void) | undefined

  constructor(options: FreezeServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, logger } = this.#options
    await this.#load()
    // Includes changes by other processes.
    this.#stopListening = hub.listen('freeze_changed', () => void this.#follow())
    const failed = (err: unknown) => logger.error({ err }, 'freezes could not be followed')
    const retry = () => {
      if (this.#isBehind) void this.#follow()
      void this.#storeLate()
    }
    every(retryMs, this.#stopped.signal, retry, failed)
  }

  stop(): void {
    this.#stopListening?.()
    this.#stopped.abort()
    if (this.#unstored.size === 0) return
    const ids = [...this.#unstored].map(({ id }) => id)
    this.#options.logger.error({ ids }, 'freezes could not be stored and end with this process')
  }

  /** Adds a listener for freezes and lifts, called once they apply. It must not throw. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Whether the principal may not send, or change mail of the account. Checked again right before it happens. */
  isFrozen(principal: Acting, accountId: string): boolean {
    return this.stops.active.holds(principal, accountId)
  }

  /**
   * Reads the same from the database, whichever process froze something; to be used right before mail is sent or
   * changed. Freezes that this process could not store count too.
   */
  async readHeld(db?: Database): Promise<(principal: Acting, accountId: string) => boolean> {
    const stored = new ActiveFreezes(await this.#options.store.listActive(db))
    return (principal, accountId) => stored.holds(principal, accountId) || this.stops.active.holds(principal, accountId)
  }

  async isFrozenNow(principal: Acting, accountId: string, db?: Database): Promise<boolean> {
    return (await this.readHeld(db))(principal, accountId)
  }

  /** Whether open streams and reads of the principal must end. */
  stopsReading(principal: Principal): boolean {
    const reading = { name: 'events.stream', scope: 'signed_in', effect: 'read' } as const
    return (
      (this.stops.active.stopOf(principal, reading, undefined) ?? this.stops.active.stopOfAll(principal)) !== undefined
    )
  }

  /** Takes effect before this resolves. An existing freeze that is at least as strict is returned unchanged. */
  async freeze(principal: Principal, input: FreezeInput): Promise<Freeze> {
    const { now } = this.#options
    const target = await this.#targetOf(principal, input)
    const known = this.stops.active.find(target.target, target.principal_id, target.account_id)
    if (known && (known.reads === 'stop' || input.reads === 'allow') && !this.#beginning.has(known))
      return toFreeze(known)
    const at = new Date(now()).toISOString()
    const row: FreezeRow = {
      id: `f${randomBytes(8).toString('hex')}`,
      ...target,
      reads: input.reads,
      reason: input.reason || null,
      ...{ by_kind: kindOf(principal), by_id: principal.id, by_name: principal.name },
      at,
      ...{ lifted_at: null, lifted_by_kind: null, lifted_by_id: null, lifted_by_name: null },
    }
    this.#beginning.add(row)
    this.#use()
    try {
      await this.#storeNew(row)
    } catch (error) {
      if (databaseFaultKind(error) === undefined || this.#unstored.size >= mostUnstored) {
        this.#beginning.delete(row)
        this.#use()
        throw error
      }
      this.#unstored.add(row)
      const detail =
        'It is frozen from now on, but that could not be stored: the database accepts no writes. Storing is retried; after a restart before it succeeds, freeze it again.'
      throw new Problem('revocation_not_stored', detail, { cause: error, retryAfterSeconds: 10 })
    }
    return toFreeze(row)
  }

  /** Lifts a freeze and all others of its target. @throws Problem if there is none, or it is lifted already. */
  async lift(principal: Principal, id: string): Promise<void> {
    const { store, hub, now } = this.#options
    if (principal.kind !== 'session') {
      throw new Problem('session_needed', 'Sign in to lift a freeze; tokens and the API key are not allowed to.')
    }
    if ([...this.#unstored].some(row => row.id === id && isSeen(principal, row))) {
      const detail = 'This freeze is not stored yet: the database accepts no writes. Lift it when it does.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
    }
    const lifted = this.#stored.find(row => row.id === id && isSeen(principal, row))
    if (!lifted) throw noFreeze()
    const at = new Date(now()).toISOString()
    const lifter = {
      ...{ lifted_at: at, lifted_by_kind: kindOf(principal), lifted_by_id: principal.id },
      lifted_by_name: principal.name,
    }
    const ended = this.#stored.filter(row => isSameTarget(row, lifted))
    await hub.transact(async (transaction, publish) => {
      for (const row of ended) {
        const isLifted = await store.lift(transaction, row.id, lifter)
        if (!isLifted && row.id === id) throw noFreeze()
        if (isLifted)
          publish({ type: 'freeze_changed', data: { ...factOf(row), is_frozen: false, by: principal.name, at } })
      }
    })
    const ids = new Set(ended.map(row => row.id))
    // Filtered by id, since they may have been reloaded in the meantime.
    this.#stored = this.#stored.filter(row => !ids.has(row.id))
    this.#use()
  }

  /** Lists freezes, newest first: active ones, or also lifted ones. */
  async list(principal: Principal, onlyActive: boolean): Promise<Freeze[]> {
    const rows = onlyActive ? this.stops.active.rows : await this.#options.store.list(mostListed)
    return rows.filter(row => isSeen(principal, row)).map(toFreeze)
  }

  async #targetOf(principal: Principal, { principal: named, account_id: accountId }: FreezeInput): Promise<Target> {
    const mayAll = principal.scopes.has('dashboard:operate')
    if (accountId !== undefined) {
      if (!mayAll) throw notAllowed()
      const isThere = maySeeAccount(principal, accountId) && (await this.#options.accountIds()).has(accountId)
      if (!isThere) throw new Problem('account_not_found', 'There is no such account.')
      return { target: 'account', principal_id: null, account_id: accountId }
    }
    if (named === undefined) {
      if (!mayAll) throw notAllowed()
      return { target: 'everything', principal_id: null, account_id: null }
    }
    const principalId = principalIdOf(named)
    const tokenId = tokenIdOf(principalId)
    const owner = tokenId === undefined ? null : await this.#options.ownerOf(tokenId)
    const isOwn =
      principal.kind === 'session' ? owner === principal.userId && owner !== null : principalId === principal.id
    // Whether a token exists is not revealed to callers that may not stop it.
    if (!mayAll && !isOwn) throw owner === null ? notAllowed() : noToken()
    if (owner === undefined) throw noToken()
    return { target: 'principal', principal_id: principalId, account_id: null }
  }

  #use(): void {
    this.#changes++
    this.stops.active = new ActiveFreezes([...this.#beginning, ...this.#stored])
    for (const listener of this.#listeners) listener()
  }

  async #storeNew(row: FreezeRow): Promise<void> {
    const { store, hub } = this.#options
    await hub.transact(async (transaction, publish) => {
      await store.insert(transaction, row)
      await store.forgetBeyond(transaction, keptLifted)
      publish({ type: 'freeze_changed', data: { ...factOf(row), is_frozen: true, by: row.by_name, at: row.at } })
    })
    this.#beginning.delete(row)
    if (!this.#stored.some(({ id }) => id === row.id)) this.#stored = [row, ...this.#stored]
    this.#use()
  }

  /** Retries one unstored freeze; never two at a time. */
  async #storeLate(): Promise<void> {
    const [row] = this.#unstored
    if (!row || this.#isStoring) return
    this.#isStoring = true
    try {
      await this.#storeNew(row)
      this.#unstored.delete(row)
    } catch (err) {
      this.#options.logger.debug({ err, freeze: row.id }, 'a freeze could not be stored yet')
    } finally {
      this.#isStoring = false
    }
  }

  async #follow(): Promise<void> {
    try {
      await this.#load()
      this.#isBehind = false
    } catch (err) {
      // Known freezes stay active.
      if (!this.#isBehind) this.#options.logger.error({ err }, 'freezes could not be read')
      this.#isBehind = true
    }
  }

  async #load(): Promise<void> {
    for (;;) {
      const changes = this.#changes
      const rows = await this.#options.store.listActive()
      if (changes !== this.#changes) continue
      const isSame = rows.length === this.#stored.length && rows.every(({ id }, at) => id === this.#stored[at]?.id)
      this.#stored = rows
      if (!isSame) this.#use()
      return
    }
  }
}

function isSeen(principal: Principal, { account_id: accountId }: FreezeRow): boolean {
  return accountId === null || maySeeAccount(principal, accountId)
}

function isSameTarget(one: FreezeRow, other: FreezeRow): boolean {
  return one.target === other.target && one.principal_id === other.principal_id && one.account_id === other.account_id
}

function factOf({ id, target, reads }: FreezeRow) {
  return { freeze_id: id, target, reads }
}

function kindOf({ kind }: Principal): FreezeRow['by_kind'] {
  if (kind === 'anonymous') throw new Error('an anonymous caller acts')
  return kind
}

function notAllowed(): Problem {
  const detail = 'This requires the scope dashboard:operate; you may stop your own tokens without it.'
  return new Problem('forbidden', detail, { missing_scope: 'dashboard:operate' })
}

function noToken(): Problem {
  return new Problem('token_not_found', 'There is no such token.')
}

function noFreeze(): Problem {
  return new Problem('not_found', 'There is no such freeze, or it is lifted already.')
}
