/** The audit trail: what is recorded, how it is read and verified, and how long it is kept. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditEntry, AuditSettings } from '../../contract/audit.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { FindLease } from '../platform/lease.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { siteOf } from '../platform/network/caller-address.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { AuditChain } from './audit-chain.ts'
import { type AuditFact, isCheap, isInForce, type NewAuditRow, system, toEntry, toRow } from './audit-entry.ts'
import type { ExportName } from './audit-export.ts'
import type { AuditSearch, AuditStore } from './audit-store.ts'
import { AuditTrail, type Forgotten } from './audit-trail.ts'
import type { AuditVerdict } from './audit-verdict.ts'
import { AuditWriter } from './audit-writer.ts'
import { HeadKeeper } from './head-keeper.ts'
import { RefusalTally } from './refusal-tally.ts'
import type { TrailHead } from './trail-head.ts'
import { TrailReader, type TrailReading } from './trail-reader.ts'
import { defaultSettings, loadSettings, sealSettings } from './trail-settings.ts'

export interface AuditServiceOptions {
  store: AuditStore
  secrets: Pick<SecretBox, 'derive'>
  head: TrailHead
  hub: Pick<EventHub, 'publishState'>
  now: () => number
  /** The time by which entries are too old, in epoch ms. */
  retentionNow: () => number
  /** The lease for pruning; undefined if there can be no other process. */
  findLease?: FindLease | undefined
  /** Makes what was committed survive a power failure; undefined if each commit does so itself. */
  settle?: (() => Promise<void>) | undefined
  logger: Logger
  /** Reads the whole trail; on the caller's thread unless given. */
  reading?: (TrailReading & { stop(): Promise<void> }) | undefined
}

type Query = AuditSearch & { limit: number; cursor?: string | undefined }

/** Entries searched per query, and queries per response: if little matches, a page is short and has a cursor. */
const stretchSize = 5_000
const maxStretches = 200
/** Entries pruned per transaction. */
const forgetSize = 1_000
const forgetEveryMs = 60 * 60_000
const tallyEveryMs = 60_000
const publishEveryMs = 1_000
const dayMs = 24 * 60 * 60_000

/** Refusals recorded per minute: at most 43,200 a day of anonymous callers, and ten times as many of known ones. */
const limitsOfStrangers = { ofOne: 10, ofAll: 30 }
const limitsOfKnown = { ofOne: 30, ofAll: 300 }
/** Operations that are not announced: the page lists the trail when notified of an entry, which adds an entry. */
const quiet = ['audit.listAudit']

/** Reads of mail. How far an account is indexed discloses no mail, and the page polls it every two seconds. */
const isOfMail = /^(?:mail\.|mailIndex\.(?!getIndex$)|tool\.mail_)/

export class AuditService {
  readonly #options: AuditServiceOptions
  readonly #chain: AuditChain
  readonly #trail: AuditTrail
  readonly #writer: AuditWriter
  readonly #keeper: HeadKeeper
  readonly #reading: TrailReading
  /** Separate tallies, so that a flood of anonymous callers does not hide attempts of known ones. */
  readonly #tallies = { strangers: new RefusalTally(limitsOfStrangers), known: new RefusalTally(limitsOfKnown) }
  readonly #stopped = new AbortController()
  #settings = defaultSettings
  #newest = 0
  #publishing: NodeJS.Timeout | undefined
  #forgetting: Promise<void> | undefined
  #verifying: Promise<AuditVerdict> | undefined

  constructor(options: AuditServiceOptions) {
    const { store, secrets, head, now, settle, logger } = options
    this.#options = options
    this.#chain = new AuditChain(secrets)
    this.#reading = options.reading ?? new TrailReader({ store, chain: this.#chain, head })
    this.#keeper = new HeadKeeper({ head, store, now, logger })
    this.#trail = new AuditTrail({ store, chain: this.#chain, logger, now, keeper: this.#keeper })
    this.#writer = new AuditWriter({
      trail: this.#trail,
      settle,
      logger,
      written: (newest, rows) => this.#written(newest, rows),
      lost: count => this.#ownRow('audit.lost', { entries: String(count) }, 'overloaded', 503),
    })
  }

  async start(): Promise<void> {
    this.#settings = await loadSettings(this.#options)
    await this.#findPlace()
    const { signal } = this.#stopped
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'the audit trail could not be maintained')
    const forget = () => {
      this.#forgetting ??= this.forget()
        .then(() => undefined, failed)
        .finally(() => {
          this.#forgetting = undefined
        })
    }
    forget()
    every(forgetEveryMs, signal, forget, failed)
    every(tallyEveryMs, signal, () => void this.noteTally().catch(failed), failed)
  }

  /** Flushes what was recorded before. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#publishing)
    const tally = this.noteTally().catch(() => undefined)
    // Ends also if the database accepts nothing; waiting callers end then.
    await this.#writer.stop()
    await this.#options.reading?.stop()
    await Promise.all([tally, this.#forgetting])
    await this.#keeper.stop()
  }

  /** Compares database and file as they were left, and resumes where they agree: from here on the trail only grows. */
  async #findPlace(): Promise<void> {
    const fault = await this.#keeper.start()
    if (fault) {
      const words = 'the audit trail does not match audit.head: run "rustymail audit verify"'
      this.#options.logger.error({ fault }, words)
      return
    }
    const ends = await this.#options.store.findEnds()
    if (ends) this.#trail.resume(ends)
  }

  /** True if the database has accepted no entries for a while, or too many wait: only reads should be accepted. */
  get isFull(): boolean {
    return this.#writer.isFull
  }

  /** Waiting and lost entries, for the metrics. */
  get backlog(): { waiting: number; lost: number } {
    return this.#writer.backlog
  }

  get settings(): AuditSettings {
    return this.#settings
  }

  /** Returns true for all writes and refusals, and for reads according to the settings. */
  wants(effect: AuditFact['effect'], operation: string, outcome = 'ok'): boolean {
    if (effect !== 'read' || outcome !== 'ok') return true
    const { reads } = this.#settings
    return reads === 'all' || (reads === 'mail' && isOfMail.test(operation))
  }

  /**
   * Resolves when the entry is stored, when it waits in memory because the database accepts nothing, or when it is only
   * counted, as floods of refusals are. Rejects if it is lost. Callers check `wants` first.
   */
  async record(fact: AuditFact): Promise<void> {
    const { tally, caller } = this.#tallyOf(fact)
    // It could not be stored, and a refused caller must not wait for it.
    if (this.isFull && !isInForce(fact)) return tally.count(caller)
    if (isCheap(fact) && !tally.admits(caller)) return
    await this.#writer.write(toRow(fact, this.#chain))
  }

  /** Lists the newest first, including all requests that were answered before. */
  async list({ limit, cursor, ...filter }: Query): Promise<{ items: AuditEntry[]; next_cursor: string | null }> {
    await this.#writer.flush()
    const { newest, forgottenTo } = await this.#ends()
    const found: AuditEntry[] = []
    let before = cursor === undefined ? newest + 1 : readCursor(cursor, newest)
    for (let stretches = 0; before > forgottenTo + 1 && stretches < maxStretches; stretches++) {
      const after = Math.max(forgottenTo, before - 1 - stretchSize)
      const stretch = { after, before, limit: limit + 1 - found.length }
      found.push(...(await this.#options.store.search(stretch, filter, 'desc')).map(toEntry))
      if (found.length > limit) {
        const items = found.slice(0, limit)
        return { items, next_cursor: String(items.at(-1)?.number) }
      }
      before = after + 1
      await nextTurn()
    }
    return { items: found, next_cursor: before > forgottenTo + 1 ? String(before) : null }
  }

  /** Exports in chunks, oldest first, up to the currently newest entry. */
  export(filter: AuditSearch, name: ExportName): AsyncGenerator<string, void, undefined> {
    return this.#reading.export(filter, name)
  }

  /** Verifies the whole trail; concurrent callers share one run. */
  verify(): Promise<AuditVerdict> {
    const own = { written: this.#trail.written, saved: this.#keeper.saved }
    this.#verifying ??= this.#reading.verify(own).finally(() => {
      this.#verifying = undefined
    })
    return this.#verifying
  }

  async changeSettings(settings: AuditSettings): Promise<AuditSettings> {
    const { store, secrets, now } = this.#options
    await store.saveSettings(sealSettings(settings, secrets), new Date(now()).toISOString())
    this.#settings = settings
    return settings
  }

  /** Prunes what is too old or too much, oldest first, and records that. Returns the number of entries. */
  async forget(): Promise<number> {
    const { store, retentionNow, findLease } = this.#options
    const lease = findLease?.()
    if (findLease && !lease) return 0
    const { newest, forgottenTo } = await this.#ends()
    const oldest = new Date(retentionNow() - this.settings.keep_days * dayMs).toISOString()
    const young = await store.findFirstSince(oldest, { after: forgottenTo, upTo: newest })
    const upTo = Math.max(newest - this.settings.keep_entries, (young ?? newest + 1) - 1)
    const parts: Forgotten[] = []
    // Entries named by the file must exist, so that both can be compared.
    await this.#keeper.flush()
    for (;;) {
      const part = this.#stopped.signal.aborted ? undefined : await this.#trail.forget(upTo, forgetSize, lease)
      if (!part) break
      parts.push(part)
      await nextTurn()
    }
    const [first, last] = [parts[0], parts.at(-1)]
    if (!first || !last) return 0
    const entries = parts.reduce((sum, part) => sum + part.entries, 0)
    const refs = { from: String(first.from), to: String(last.to), entries: String(entries) }
    const isWhole = parts.every(part => part.isWhole)
    await this.#writer.write(
      isWhole ? this.#ownRow('audit.forget', refs) : this.#ownRow('audit.forget', refs, 'changed', 500),
    )
    return entries
  }

  /** Writes what was only counted in this minute, as one entry. */
  async noteTally(): Promise<void> {
    if (this.isFull) return
    const tallies = Object.values(this.#tallies).flatMap(each => each.take() ?? [])
    const rows = tallies.map(({ count, callers, most }) => {
      const refs = { count: String(count), callers: String(callers), most_often: most }
      return this.#ownRow('access.refused', refs, 'too_many_requests', 429)
    })
    await Promise.all(rows.map(row => this.#writer.write(row)))
  }

  /** All sessions and tokens of a user count as one caller. */
  #tallyOf({ principalId, userId, address }: AuditFact): { tally: RefusalTally; caller: string } {
    if (principalId === 'anonymous') return { tally: this.#tallies.strangers, caller: siteOf(address) }
    return { tally: this.#tallies.known, caller: userId === null ? principalId : `user-${userId}` }
  }

  async #ends(): Promise<{ newest: number; forgottenTo: number }> {
    const ends = await this.#options.store.findEnds()
    return { newest: ends?.newest ?? 0, forgottenTo: ends?.forgotten_to ?? 0 }
  }

  #written(newest: number, rows: readonly NewAuditRow[]): void {
    if (rows.every(({ operation }) => quiet.includes(operation))) return
    this.#newest = newest
    if (this.#publishing === undefined) this.#publish()
  }

  /** Announces immediately, and then at most once a second. */
  #publish(): void {
    const newest = this.#newest
    this.#options.hub.publishState({ type: 'audit_update', data: { newest } })
    if (this.#stopped.signal.aborted) return
    this.#publishing = setTimeout(() => {
      this.#publishing = undefined
      if (this.#newest > newest) this.#publish()
    }, publishEveryMs).unref()
  }

  #ownRow(operation: string, refs: Record<string, string>, outcome = 'ok', status = 200): NewAuditRow {
    const what = {
      operation,
      refs,
      outcome,
      status,
      effect: operation === 'audit.forget' ? 'destroy' : 'read',
    } as const
    const at = this.#options.now()
    return toRow(
      { ...system, ...what, at, accountId: null, input: undefined, durationMs: 0, requestId: '' },
      this.#chain,
    )
  }
}

/** Parses a cursor; the next page has entries below this number. */
function readCursor(cursor: string, newest: number): number {
  if (!/^[1-9]\d{0,14}$/.test(cursor)) {
    const message = 'is not a cursor of the audit trail'
    throw new Problem('bad_request', `query.cursor: ${message}`, { errors: [{ path: 'query.cursor', message }] })
  }
  if (Number(cursor) <= newest + 1) return Number(cursor)
  throw new Problem('stale_cursor', 'The audit trail does not reach that far; list it from the beginning.')
}
