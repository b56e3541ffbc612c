/**
 * Keeps the index of one account like its mail server: every folder once a minute, one that is said to have changed at once, then what is not
 * indexed yet, newest first. It works in small steps, each with a connection that people who wait come before.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay, defaultBackoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { FolderStanding } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { FolderBatch, IndexedFolder, ListedFolder } from '../index/index-types.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { FolderIndexer } from './folder-indexer.ts'
import { IndexFacts } from './index-facts.ts'
import type { WrittenIndex } from './index-port.ts'

export interface AccountIndexerOptions {
  accountId: string
  index: WrittenIndex
  db: Database
  /** Writes only while this process may. */
  hub: Pick<EventHub, 'transact'>
  pool: Pick<ConnectionPool, 'run'>
  logger: Logger
  backoff?: Backoff
  /** Between two looks at all folders. */
  roundMs?: number
  /** Flags of a folder whose server counts no changes are compared after so many rounds. */
  roundsBetweenFlags?: number
  /** Whether texts are fetched, or headers alone. */
  hasTexts?: boolean
  /** Hears of each step. */
  onProgress?(progress: IndexProgress): void
}

export interface IndexProgress {
  /** Headers and texts are read as far as they are on the server. */
  isComplete: boolean
  folders: IndexedFolder[]
}

/** Fetched with one command or two; each is cut at `maxTextBytes` on the wire. */
const textsOfStep = 50
const maxTextBytes = 64 * 1024
/** For asking one folder after the other, where the server does not tell of all at once. */
const standingsMs = 5_000

export class AccountIndexer {
  readonly #options: Required<Pick<AccountIndexerOptions, 'backoff' | 'roundMs' | 'roundsBetweenFlags' | 'hasTexts'>> &
    AccountIndexerOptions
  readonly #folders: FolderIndexer
  readonly #facts: IndexFacts
  /** Numbers of facts begin here: they are above all that were forwarded before. */
  #lowestFact = 0
  /** Folders that are said to have changed. */
  readonly #noticed = new Set<string>()
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined
  #rounds = 0
  #nextRoundAt = 0
  /** Headers or texts may be missing. */
  #isMore = false
  /** Messages whose text could not be fetched; they are tried again after a restart. */
  readonly #textless = new Set<string>()

  constructor(options: AccountIndexerOptions) {
    this.#options = { backoff: defaultBackoff, roundMs: 60_000, roundsBetweenFlags: 10, hasTexts: true, ...options }
    const { accountId, index, db, hub } = options
    this.#facts = new IndexFacts(accountId, { db, hub, index })
    this.#folders = new FolderIndexer({
      apply: batch => this.#apply(batch),
      listUidRanges: path => index.listUidRanges(accountId, path),
      ask: (work, path) => this.#ask(work, path),
    })
  }

  start(): void {
    this.#abort = new AbortController()
    const { logger, accountId } = this.#options
    this.#running = this.#run(this.#abort.signal).catch(err => {
      logger.error({ err, account_id: accountId }, 'indexing an account failed')
    })
  }

  /** Waits for the step that is under way. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#running
  }

  /** Something changed in the folder: it is looked at before anything else. */
  notice(path: string): void {
    this.#noticed.add(path)
    this.#wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#step(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted || isFinal(error)) return
        const { logger, accountId, backoff } = this.#options
        logger.warn({ err: error, account_id: accountId }, 'indexing waits until the next try')
        await wait(backoffDelay(failures++, backoff), undefined, { signal }).catch(() => undefined)
      }
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (performance.now() >= this.#nextRoundAt) return this.#round(signal)
    if (this.#noticed.size > 0) return this.#lookAtNoticed()
    if (this.#isMore) {
      this.#isMore = await this.#stepBack()
      return
    }
    await this.#rest(signal)
  }

  /** All folders as they stand now. */
  async #round(signal: AbortSignal): Promise<void> {
    const { accountId, index, roundMs, roundsBetweenFlags } = this.#options
    const asksAll = this.#rounds % roundsBetweenFlags === 0
    const noticed = new Set(this.#noticed)
    const round = await index.currentRound(accountId)
    const standings = await this.#standings()
    const folders = await this.#applyFolders(standings)
    const byPath = new Map(folders.map(folder => [folder.path, folder]))
    let isWhole = true
    for (const { path, status } of standings) {
      const folder = byPath.get(path)
      if (!folder || !status) continue
      if (signal.aborted) return
      const comparesAll = status.modseq === undefined && (asksAll || noticed.has(path))
      isWhole = (await this.#catchUp(folder, status, comparesAll)) && isWhole
    }
    if (isWhole) {
      await index.settleOrphans(accountId, round, this.#lowestFact)
      await this.#facts.forward()
    }
    for (const path of noticed) this.#noticed.delete(path)
    this.#rounds++
    this.#isMore = true
    this.#nextRoundAt = performance.now() + roundMs
  }

  /** A folder that is refused costs no other one. */
  async #catchUp(
    folder: IndexedFolder,
    status: NonNullable<FolderStanding['status']>,
    asksAll: boolean,
  ): Promise<boolean> {
    try {
      return await this.#folders.catchUp(folder, status, asksAll)
    } catch (error) {
      if (!isOfFolder(error)) throw error
      const { logger, accountId } = this.#options
      logger.warn({ account_id: accountId, folder: folder.path, code: error.code }, 'a folder cannot be indexed')
      return false
    }
  }

  async #lookAtNoticed(): Promise<void> {
    const paths = [...this.#noticed]
    const standings = await this.#standings(paths)
    // From here on a further notice is of something that these figures may not hold.
    for (const path of paths) this.#noticed.delete(path)
    try {
      const folders = await this.#applyFolders(standings)
      for (const path of paths) {
        const folder = folders.find(each => each.path === path)
        const status = standings.find(each => each.path === path)?.status
        // Who told of it may know more than the figures say.
        if (folder && status) await this.#catchUp(folder, status, status.modseq === undefined)
      }
    } catch (error) {
      for (const path of paths) this.#noticed.add(path)
      throw error
    }
    this.#isMore = true
  }

  /** One batch of headers, else of texts. @returns Whether there may be more. */
  async #stepBack(): Promise<boolean> {
    const { accountId, index, hasTexts } = this.#options
    const folders = await index.listFolders(accountId)
    const next = folders.find(({ lowestUid, isSelectable }) => isSelectable && lowestUid !== null && lowestUid > 1)
    if (next) {
      this.#tell(folders, false)
      // A folder that was made again begins anew with the next round.
      return (await this.#folders.backfill(next)) !== undefined
    }
    const isMore = hasTexts && (await this.#readTexts())
    this.#tell(folders, !isMore)
    return isMore
  }

  async #readTexts(): Promise<boolean> {
    const { accountId, index } = this.#options
    const places = await index.listWithoutText(accountId, textsOfStep + this.#textless.size)
    const missing = places.filter(place => !this.#textless.has(keyOf(place))).slice(0, textsOfStep)
    for (const [path, group] of Map.groupBy(missing, place => place.path)) {
      const uids = group.map(({ uid }) => uid)
      const { uidValidity, texts } = await this.#ask(c => c.changes.listTexts(path, uids, maxTextBytes), path)
      const read = new Set(texts.map(({ uid }) => uid))
      // Gone, or never answered: the next round knows.
      for (const place of group) if (!read.has(place.uid)) this.#textless.add(keyOf(place))
      if (group.some(place => place.uidValidity !== uidValidity)) continue
      await this.#apply({ path, uidValidity, texts, announces: false })
    }
    return missing.length > 0
  }

  async #applyFolders(standings: readonly FolderStanding[]): Promise<IndexedFolder[]> {
    const { accountId, index } = this.#options
    this.#lowestFact ||= await this.#facts.lowest()
    await index.applyFolders(accountId, standings.map(toListedFolder), this.#lowestFact)
    await this.#facts.forward()
    return index.listFolders(accountId)
  }

  async #apply(batch: FolderBatch): Promise<void> {
    const { accountId, index } = this.#options
    this.#lowestFact ||= await this.#facts.lowest()
    await index.applyBatch(accountId, batch, this.#lowestFact)
    await this.#facts.forward()
  }

  #standings(first: readonly string[] = []): Promise<FolderStanding[]> {
    return this.#ask(connection => connection.changes.listStandings(standingsMs, first))
  }

  #ask<T>(work: (connection: MailConnection) => Promise<T>, path?: string): Promise<T> {
    return this.#options.pool.run(this.#options.accountId, 'background', work, this.#abort.signal, path)
  }

  #tell(folders: IndexedFolder[], isComplete: boolean): void {
    this.#options.onProgress?.({ folders, isComplete })
  }

  /** Until something is noticed, or the next round is due. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (this.#noticed.size > 0 || signal.aborted) return
    const timer = setTimeout(resolve, Math.max(0, this.#nextRoundAt - performance.now()))
    await promise
    clearTimeout(timer)
  }
}

function toListedFolder({ path, role, isSelectable, status }: FolderStanding): ListedFolder {
  return { path, role, isSelectable, mailboxId: null, status: status ?? null }
}

function keyOf({ path, uidValidity, uid }: { path: string; uidValidity: number; uid: number }): string {
  return `${uidValidity} ${uid} ${path}`
}

/** Until the account is changed, or somebody asks for another try. */
function isFinal(error: unknown): boolean {
  const codes = ['mail_login_refused', 'account_disabled', 'account_not_found', 'draining']
  return error instanceof Problem && codes.includes(error.code)
}

function isOfFolder(error: unknown): error is Problem {
  const codes = ['folder_not_found', 'folder_not_selectable']
  return error instanceof Problem && codes.includes(error.code)
}
