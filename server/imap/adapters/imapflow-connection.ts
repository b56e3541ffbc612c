/** Implements the port with one ImapFlow connection. Reads folders read-only and with PEEK, so `\Seen` is never set. */
import { setTimeout as wait } from 'node:timers/promises'
import type { ImapFlow } from 'imapflow'
import type { Folder } from '../../../contract/mail.ts'
import { Problem } from '../../platform/problem.ts'
import type { QuotaFigures } from '../gateway-capabilities.ts'
import {
  type Arrivals,
  type FolderCount,
  type FoundMessages,
  type MailConnection,
  type MessageContent,
  type MessageHead,
  type MessagePage,
  newestArrivals,
  type ServerFacts,
  type WatchChange,
} from '../mail-gateway.ts'
import type { SearchTerm } from '../search-term.ts'
import { ImapFlowChanges } from './imapflow-changes.ts'
import { chunkSize, getContent, ImapFlowParts } from './imapflow-content.ts'
import { type FaultContext, tooSlow, translateFault } from './imapflow-faults.ts'
import { countFolders, listFolders } from './imapflow-folders.ts'
import { inspectServer } from './imapflow-inspect.ts'
import { type KeepingTimes, KeptFolder } from './imapflow-kept-folder.ts'
import { toFlags, toKeywords } from './imapflow-message.ts'
import { fetchPreviews } from './imapflow-preview.ts'
import { offersOf, readQuota } from './imapflow-quota.ts'
import { fetchDates, fetchHeads, fetchRows, type Row, type Wanted } from './imapflow-rows.ts'
import { searchUids } from './imapflow-search.ts'
import { ImapFlowWatch, type WatchTimes } from './imapflow-watch.ts'
import { ImapFlowWriter, type ReportedChanges } from './imapflow-writer.ts'

export interface ImapFlowConnectionOptions {
  /** A logged-in client. */
  client: ImapFlow
  timeoutMs: number
  context: FaultContext
  watching: WatchTimes
  keeping?: KeepingTimes
  /** Called for each unsolicited message row. */
  onRowDropped?: (() => void) | undefined
  reported: ReportedChanges
}

const logoutMs = 1_000

export class ImapFlowConnection implements MailConnection {
  readonly parts: ImapFlowParts
  readonly changes: ImapFlowChanges
  readonly writer: ImapFlowWriter
  readonly closed: Promise<Problem | undefined>
  readonly #client: ImapFlow
  readonly #options: ImapFlowConnectionOptions
  readonly #ended = new AbortController()
  readonly #folder: KeptFolder
  #watch: ImapFlowWatch | undefined
  #reason: unknown

  constructor(options: ImapFlowConnectionOptions) {
    this.#options = options
    this.#client = options.client
    this.#folder = new KeptFolder(options.client, options.keeping)
    const { client, onRowDropped, reported } = options
    const shared = { client, folder: this.#folder, command: <T>(work: () => Promise<T>) => this.#command(work) }
    this.parts = new ImapFlowParts(shared)
    this.changes = new ImapFlowChanges({ ...shared, onRowDropped })
    this.writer = new ImapFlowWriter({ ...shared, reported })
    this.#client.on('error', error => {
      this.#reason ??= error
    })
    this.closed = new Promise(resolve => {
      this.#client.once('close', () => {
        this.#ended.abort()
        resolve(this.#client.closedByClient && !this.#reason ? undefined : this.#lost())
      })
    })
  }

  get openFolder(): string | undefined {
    return this.#folder.path ?? this.#folder.preparedPath
  }

  get isWatching(): boolean {
    return this.#watch?.isRunning ?? false
  }

  get offers(): readonly string[] {
    return offersOf(this.#client)
  }

  quota(): Promise<QuotaFigures | undefined> {
    return this.#command(() => readQuota(this.#client))
  }

  listFolders(withCounts = true): Promise<Folder[]> {
    return this.#command(() => listFolders(this.#client, withCounts))
  }

  countFolders(
    paths: readonly string[],
    budgetMs: number,
    onCount: (path: string, count: FolderCount) => void,
  ): Promise<void> {
    return this.#command(() => countFolders(this.#client, paths, budgetMs, onCount))
  }

  listMessages(path: string, limit: number, beforeUid: number | undefined): Promise<MessagePage> {
    return this.#command(async () => {
      const mailbox = await this.#folder.open(path)
      // Sequence numbers ascend with UIDs, and none can vanish between SEARCH and FETCH (RFC 9051, section 7.5.1).
      const last = beforeUid === undefined ? mailbox.exists : await this.#countBelow(beforeUid)
      const first = Math.max(1, last - limit + 1)
      const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
      const rows = await this.#fetchRows({ by: 'seq', numbers })
      const messages = rows.map(({ header }) => header).filter(({ uid }) => beforeUid === undefined || uid < beforeUid)
      return {
        uidValidity: mailbox.uidValidity,
        total: mailbox.exists,
        messages,
        hasMore: first > 1,
      }
    })
  }

  search(path: string, term: SearchTerm | undefined, limit: number, belowUid?: number): Promise<FoundMessages> {
    return this.#command(async () => {
      const { uidValidity } = await this.#folder.open(path)
      const { total, uids } = await searchUids(this.#client, term, limit, belowUid)
      return { uidValidity, total, found: await fetchDates(this.#client, uids, this.#options.onRowDropped) }
    })
  }

  getMessage(
    path: string,
    uid: number,
    maxBytes: number,
    attached?: string,
  ): Promise<{ uidValidity: number; message: MessageContent | undefined }> {
    return this.#command(async () => {
      const { uidValidity } = await this.#folder.open(path)
      const message = await getContent(this.#client, { uid, maxBytes, attached }, this.#options.onRowDropped)
      return { uidValidity, message }
    })
  }

  inspect(): Promise<ServerFacts> {
    return this.#command(() => inspectServer(this.#client))
  }

  findFlags(path: string, uid: number): ReturnType<MailConnection['findFlags']> {
    return this.#command(async () => {
      const { uidValidity } = await this.#folder.open(path)
      const row = await this.#client.fetchOne(String(uid), { uid: true, flags: true }, { uid: true })
      const isThere = row !== false && row.uid === uid
      return {
        uidValidity,
        found: isThere ? { flags: toFlags(row.flags), keywords: toKeywords(row.flags) } : undefined,
      }
    })
  }

  findPart(
    path: string,
    uid: number,
    partId: string,
    maxBytes: number,
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    return this.#command(async () => {
      const { uidValidity } = await this.#folder.open(path)
      const bytes = await this.#collect(uid, partId, {
        uid: true,
        maxBytes: maxBytes + 1,
        chunkSize,
        decodeText: false,
      })
      return { uidValidity, bytes: bytes.length > 0 && bytes.length <= maxBytes ? bytes : undefined }
    })
  }

  listPreviews(path: string, uids: readonly number[], maxBytes: number): Promise<ReadonlyMap<number, string>> {
    return this.#command(async () => {
      await this.#folder.open(path)
      return fetchPreviews(this.#client, uids, maxBytes)
    })
  }

  listArrivals(path: string, fromUid: number, limit: number, newest?: number): Promise<Arrivals> {
    return this.#command(async () => {
      const { uidValidity, uidNext = (await this.#newestUid()) + 1 } = await this.#folder.open(path)
      if (uidNext <= fromUid) return { uidValidity, uidNext, uids: [], passedOver: 0 }
      const found = (await this.#client.search({ uid: `${fromUid}:*` }, { uid: true })) || []
      // `n:*` always includes the newest message, even when its UID is below n (RFC 9051, section 9, seq-range).
      const uids = found.filter(uid => uid >= fromUid).sort((a, b) => a - b)
      const next = Math.max(uidNext, (uids.at(-1) ?? 0) + 1)
      return { uidValidity, uidNext: next, ...newestArrivals(uids, limit, newest) }
    })
  }

  listHeads(path: string, uids: readonly number[]): Promise<ReadonlyMap<number, MessageHead>> {
    return this.#command(async () => {
      await this.#folder.open(path)
      return fetchHeads(this.#client, uids, this.#options.onRowDropped)
    })
  }

  async watch(
    path: string,
    onChange: (change: WatchChange) => void,
  ): Promise<{ uidValidity: number; uidNext: number }> {
    const watch = new ImapFlowWatch({
      client: this.#client,
      folder: this.#folder,
      path,
      times: this.#options.watching,
      command: (work, timeoutMs) => this.#command(work, timeoutMs),
      ended: this.#ended.signal,
      onChange,
    })
    const state = await this.#command(async () => {
      const { uidValidity, uidNext = (await this.#newestUid()) + 1 } = await watch.open()
      return { uidValidity, uidNext }
    })
    this.#watch = watch
    watch.run().catch(error => this.#end(error))
    return state
  }

  check(): void {
    this.#watch?.check()
  }

  async pause(): Promise<void> {
    try {
      await this.#watch?.pause()
    } catch {
      throw this.#lost()
    }
  }

  async resume(): Promise<void> {
    await this.#watch?.resume().catch(error => this.#end(error))
  }

  async close(): Promise<void> {
    if (!this.#client.usable) return this.#client.close()
    const bound = new AbortController()
    const late = wait(logoutMs, undefined, { signal: bound.signal })
    // Whatever fails during the logout, the socket is dropped next.
    await Promise.race([this.#client.logout(), late]).catch(() => undefined)
    bound.abort()
    late.catch(() => undefined)
    this.#client.close()
  }

  #fetchRows(wanted: Wanted, query?: object): Promise<Row[]> {
    return fetchRows(this.#client, wanted, query, this.#options.onRowDropped)
  }

  async #newestUid(): Promise<number> {
    const newest = await this.#client.fetchOne('*', { uid: true })
    return newest ? newest.uid : 0
  }

  async #countBelow(uid: number): Promise<number> {
    if (uid <= 1) return 0
    const found = await this.#client.search({ uid: `1:${uid - 1}` }, { uid: false, returnOptions: ['COUNT'] })
    if (!found) return 0
    return Array.isArray(found) ? found.length : (found.count ?? 0)
  }

  async #collect(uid: number, part: string, options: Parameters<ImapFlow['download']>[2]): Promise<Buffer> {
    const { content } = await this.#client.download(String(uid), part, options)
    return content ? Buffer.concat(await content.toArray()) : Buffer.alloc(0)
  }

  /** Runs a command under a timeout. A timeout ends the connection, since no command could follow. */
  async #command<T>(work: () => Promise<T>, timeoutMs = this.#options.timeoutMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => {
          const { code, detail } = tooSlow({ ...this.#options.context, phase: 'session' })
          const problem = new Problem(code, detail, { part: 'imap', fault: 'timeout' })
          reject(problem)
          this.#end(problem)
        },
        Math.min(timeoutMs, this.#options.timeoutMs),
      )
    })
    try {
      return await Promise.race([work(), late])
    } catch (error) {
      throw this.#translate(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** A command in flight only learns that the connection was lost; the connection knows why. */
  #translate(error: unknown): unknown {
    const { context } = this.#options
    const problem = translateFault(error, context)
    const isLost = problem instanceof Problem && problem.extension.fault === 'closed'
    return isLost && this.#reason ? translateFault(this.#reason, context) : problem
  }

  #end(reason: unknown): void {
    // Errors after the end are consequences of it, not its cause.
    if (!this.#ended.signal.aborted) this.#reason ??= reason
    this.#client.close()
  }

  #lost(): Problem {
    const { context } = this.#options
    const reason = this.#client.byeReason ? { reason: this.#client.byeReason } : {}
    const closed = Object.assign(new Error('closed'), { code: 'NoConnection', ...reason })
    const problem = translateFault(this.#reason ?? closed, context)
    return problem instanceof Problem
      ? problem
      : new Problem('mail_server_unreachable', 'The connection was lost.', {
          part: 'imap',
          fault: 'closed',
          cause: problem,
        })
  }
}
