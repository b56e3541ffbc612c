/**
 * Keeps the index of one account in sync with its mail server: every folder once per round, a changed one immediately,
 * then the backfill, newest first. Works in small steps, each with a connection at background priority.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Folder } from '../../contract/mail.ts'
import { backoffDelay, defaultBackoff } from '../imap/backoff.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { AccountExpectations } from '../index/expected-changes.ts'
import type { AppliedBatch, ExpectedBatch } from '../index/index-types.ts'
import { isStopping } from '../platform/problem.ts'
import type { AccountIndexerOptions } from './account-indexer-options.ts'
import { Backfill } from './backfill.ts'
import { FolderIndexer } from './folder-indexer.ts'
import { FolderLooks } from './folder-looks.ts'
import { IndexFacts } from './index-facts.ts'
import { IndexWriter } from './index-writer.ts'
import { IndexedArrivals } from './indexed-arrivals.ts'
import { isFinal } from './indexing-faults.ts'
import { type KnownArrival, KnownArrivals } from './known-arrivals.ts'
import { KnownStandings } from './known-standings.ts'
import { NoticedFolders } from './noticed-folders.ts'
import { RoundTimes } from './round-times.ts'
import { type RoundWaiter, RoundWaiters } from './round-waiters.ts'
import type { SyncPhase } from './sync-progress.ts'
import { TextBackfill } from './text-backfill.ts'
import type { BackgroundStep } from './usage-service.ts'
import { WakeableRest } from './wakeable-rest.ts'

export class AccountIndexer {
  readonly #options: Required<Pick<AccountIndexerOptions, 'backoff' | 'roundsBetweenFlags' | 'hasTexts'>> &
    AccountIndexerOptions
  readonly #expected: AccountExpectations
  readonly #writer: IndexWriter
  readonly #looks: FolderLooks
  readonly #backfill: Backfill
  readonly #arrivals: IndexedArrivals
  readonly #noticed = new NoticedFolders()
  /** Messages brought into folders by our own moves and copies. */
  readonly #broughtHere = new KnownArrivals()
  #abort = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #isRunning = false
  readonly #pause = new WakeableRest()
  readonly #times: RoundTimes
  #lookedAt: string | null = null
  #hasLooked = false
  readonly #known = new KnownStandings()
  readonly #lookers = new RoundWaiters()
  /** True while headers or texts may be missing. */
  #isMore = false
  /** Result of the last completeness check. */
  #isComplete = false

  constructor(options: AccountIndexerOptions) {
    this.#options = { backoff: defaultBackoff, roundsBetweenFlags: 10, hasTexts: true, ...options }
    this.#times = new RoundTimes(options.roundMs ?? 60_000)
    const { accountId, index, db, hub, own } = options
    const facts = new IndexFacts(accountId, { db, hub, index })
    this.#expected = options.expected ?? new AccountExpectations()
    const expected = this.#expected
    const notice = (path: string) => this.notice(path)
    const miss = () => this.#noticed.miss()
    this.#writer = new IndexWriter({
      ...{ index, own, facts, known: this.#known, expected, notice },
      miss,
    })
    const folders = new FolderIndexer({
      apply: (batch, asOf) => this.#writer.apply(batch, asOf),
      applyOlder: batch => this.#writer.applyOlder(batch),
      expected,
      arrivals: this.#broughtHere,
      miss,
      listUidRanges: path => index.listUidRanges(path),
      ask: (work, path) => this.#ask(work, path),
    })
    this.#looks = new FolderLooks({
      ...{ accountId, index, logger: options.logger, folders, expected, writer: this.#writer },
      ...{ known: this.#known, noticed: this.#noticed, roundsBetweenFlags: this.#options.roundsBetweenFlags },
      ask: work => this.#ask(work),
      tell: (...told) => this.#tell('comparing', ...told),
      noteCompared: () => this.noteCompared(),
    })
    this.#arrivals = new IndexedArrivals({
      index,
      writer: this.#writer,
      look: boundMs => this.look(boundMs),
      notice,
    })
    const texts = new TextBackfill({
      index,
      apply: batch => this.#writer.applyOlder(batch),
      ask: (work, path) => this.#ask(work, path),
      tell: (...told) => this.#tell('texts', ...told),
    })
    this.#backfill = new Backfill({
      index,
      folders,
      texts: this.#options.hasTexts ? texts : undefined,
      recreated: path => this.#looks.compareAgain(path),
      settle: () => this.#writer.settle(),
      tell: (...told) => this.#tell(...told),
    })
  }

  /** When all folders were last compared; null before the first time. */
  get lookedAt(): string | null {
    return this.#lookedAt
  }

  /** True once a round over the folders has ended since the server started, successfully or not. */
  get hasLooked(): boolean {
    return this.#hasLooked
  }

  /** True when texts are indexed too. */
  get hasTexts(): boolean {
    return this.#options.hasTexts
  }

  /** True when everything known to exist is indexed. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Login and server; with another one, the account is another mailbox. */
  get mailbox(): string {
    return this.#options.mailbox
  }

  /** All folders as lists show them, as of the last round; undefined before it, and with folders of other users. */
  get listing(): readonly Folder[] | undefined {
    return this.#known.listing
  }

  /** Time up to which a folder's index is known to be complete; undefined before its first comparison. */
  asOf(path: string): number | undefined {
    return this.#known.asOf(path)
  }

  /** Runs a round over all folders; waits at most `boundMs`. @returns Whether the round succeeded in that time. */
  async look(boundMs: number): Promise<boolean> {
    if (!this.#isRunning) return false
    const over = this.#lookers.wait(boundMs)
    this.#requestAll()
    return over
  }

  /**
   * Indexes new messages of a folder immediately, to announce them by id. Undefined where it is not indexed yet.
   * @param from The headers cover all messages from this UID up to the last one given.
   */
  arrive(
    path: string,
    given: { uidValidity: number; from: number; headers: readonly IndexHeader[] },
  ): Promise<AppliedBatch['added'] | undefined> {
    return this.#arrivals.take(path, given)
  }

  start(): void {
    this.#times.ask()
    this.#writer.begin()
    this.#abort = new AbortController()
    const { logger, accountId } = this.#options
    this.#isRunning = true
    // Changes requested before the start.
    this.show(this.#expected.batches())
    this.#running = this.#run(this.#abort.signal)
      .catch(err => logger.error({ err, account_id: accountId }, 'indexing an account failed'))
      .then(() => this.#backfill.forgetAhead())
      .finally(() => {
        this.#isRunning = false
        this.#looked()
      })
  }

  /** Persists until when each folder is known to match the mail server, for lists after a restart. */
  async noteCompared(): Promise<void> {
    const times = this.#known.times
    if (times.length > 0) await this.#options.index.noteCompared(this.mailbox, times)
  }

  /** Stops after the step in progress. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#pause.wake()
    this.#known.forget()
    await Promise.all([this.#running, this.#expected.written()])
    await this.#writer.idle()
    // A round in progress may have recorded new ones.
    this.#known.forget()
    this.#options.progress?.end('stopped')
  }

  /** Writes requested changes to the index optimistically, so that lists show them before they are done. */
  show(batches: readonly ExpectedBatch[]): void {
    if (!this.#isRunning || batches.length === 0) return
    const { logger, accountId } = this.#options
    const failed = () => {
      for (const { path } of batches) this.notice(path)
    }
    const written = this.#writer
      .show(batches, failed)
      .catch(err => logger.warn({ err, account_id: accountId }, 'a change is shown only once it is done'))
    this.#expected.write(written, () => this.#writer.hurry())
  }

  /**
   * Records messages that our own move or copy brought into a folder, which need not be fetched. Must precede `notice`.
   * @param uidValidity The UIDVALIDITY that the mail server reported with their UIDs.
   */
  brought(path: string, uidValidity: number, arrivals: readonly KnownArrival[]): void {
    if (this.#isRunning) this.#broughtHere.add(path, uidValidity, arrivals)
  }

  /** Reports a change in a folder, which is compared before anything else. */
  notice(path: string): void {
    this.#noticed.add(path)
    this.#pause.wake()
  }

  /** Changes the interval of rounds. */
  lookEvery(roundMs: number): void {
    this.#times.every(roundMs)
    this.#pause.wake()
  }

  /** Reports folders created, deleted or renamed: starts a round over all of them. */
  noticeAll(): void {
    this.#known.unlist()
    // Other folders may have their names now.
    this.#broughtHere.forget()
    this.#requestAll()
  }

  /** Called after the index was emptied: starts a round over all folders. */
  renew(): void {
    // The index is incomplete until the round has succeeded.
    this.#lookedAt = null
    this.#isComplete = false
    this.#known.forget()
    this.#backfill.forget()
    this.noticeAll()
  }

  #requestAll(): void {
    this.#times.ask()
    this.#pause.wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#step(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted || isFinal(error)) return
        // Noticed changes may not have been read: the next round compares everything.
        this.#looks.failed()
        this.#times.ask()
        this.#looked()
        const { logger, accountId, backoff } = this.#options
        if (!isStopping(error)) logger.warn({ err: error, account_id: accountId }, 'indexing failed and is retried')
        await wait(backoffDelay(failures++, backoff), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (this.#times.isDue || this.#noticed.isAny) {
      const delayMs = await this.#delayOf('look')
      if (delayMs > 0) return void (await wait(delayMs, undefined, { signal }).catch(() => undefined))
      await this.#backfill.forgetAhead()
      if (this.#times.isDue) return this.#round(signal)
      await this.#looks.noticed()
      this.#isMore = true
      return
    }
    if (this.#isMore) {
      const delayMs = this.#backfill.isAhead ? 0 : await this.#delayOf('backfill')
      if (delayMs > 0) return this.#rest(signal, delayMs)
      this.#isMore = await this.#backfill.step(this.#isComplete, () => this.#goesOn())
      // A renewal meanwhile means that the index was emptied.
      this.#isComplete = !this.#isMore && this.#times.isSettled
      if (this.#isComplete) this.#options.progress?.end('done')
      return
    }
    await this.#rest(signal)
  }

  /** Runs a round over all folders. */
  async #round(signal: AbortSignal): Promise<void> {
    // A renewal from here on requests another round.
    this.#times.begin()
    const lookers = this.#lookers.now
    const end = await this.#looks.all(signal)
    if (end === 'stopped') return
    if (end === 'compared') this.#isMore = true
    this.#lookedAt = new Date().toISOString()
    this.#looked(lookers)
  }

  #looked(lookers?: readonly RoundWaiter[]): void {
    this.#hasLooked = true
    this.#lookers.release(lookers)
  }

  /** True when the next step is expected to be another one of the backfill. */
  async #goesOn(): Promise<boolean> {
    return !this.#times.isDue && !this.#noticed.isAny && (await this.#delayOf('backfill')) === 0
  }

  /** Reports progress of the first sync; once the index is complete, facts announce changes. */
  #tell(phase: SyncPhase, folder: string, done: number, total: number): void {
    if (!this.#isComplete) this.#options.progress?.at(phase, folder, Math.min(done, total), total)
  }

  #ask<T>(work: (connection: MailConnection) => Promise<T>, path?: string): Promise<T> {
    return this.#options.pool.run(this.#options.accountId, 'background', work, this.#abort.signal, path)
  }

  /** Bounded by a round, after which it is asked again: the day or the clock may have changed. */
  async #delayOf(step: BackgroundStep): Promise<number> {
    return Math.min((await this.#options.pace?.(step)) ?? 0, this.#times.roundMs)
  }

  /** Rests until a notice, the next round, or for at most `mostMs`. */
  async #rest(signal: AbortSignal, mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#noticed.isAny || signal.aborted) return
    await this.#pause.rest(Math.min(mostMs, this.#times.restMs))
  }
}
