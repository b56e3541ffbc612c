/**
 * The main thread's access to all accounts' indexes: one thread writes, one reads lists, one searches, a call is one
 * round trip. An index is a cache: data lost with a thread or file is read from the mail server again.
 */
import { Problem } from '../platform/problem.ts'
import { threadProgram } from '../platform/start-thread.ts'
import { UnchangedPages } from './fresh-reads.ts'
import type { IndexHome } from './index-databases.ts'
import { IndexFault } from './index-fault.ts'
import type { IndexOrder, WriterPlace } from './index-messages.ts'
import { type IndexOperation, type IndexOperations, type IndexRole, roles } from './index-operations.ts'
import type { PageAnswer } from './index-page.ts'
import type { FolderBatch } from './index-types.ts'
import { IndexWorker } from './index-worker.ts'
import { ownBytes } from './own-bytes.ts'

export interface IndexThreadsOptions {
  home: IndexHome
  /** Called when a damaged index was reset: the account has to be read from the mail server again. */
  damaged(accountId: string): void
  bounds?: Partial<IndexThreadBounds>
  /** Program file that the threads run. */
  thread?: string
  /** Where the threads load the writers that render lists and hits as JSON text; without it, none are rendered. */
  writers?: WriterPlace
}

export interface IndexThreadBounds {
  /** Calls in flight, for all accounts and per account; further calls are rejected as `overloaded`. */
  maxWaiting: number
  maxWaitingPerAccount: number
  /** Total size of texts in calls in flight; a single larger call is still accepted if no other texts wait. */
  maxWaitingBytes: number
  /** A thread ends after this long without a call. */
  idleMs: number
  /** How long `close` waits for calls in flight. */
  drainMs: number
}

const defaultBounds: IndexThreadBounds = {
  maxWaiting: 1_000,
  maxWaitingPerAccount: 200,
  maxWaitingBytes: 64 * 1024 * 1024,
  idleMs: 60_000,
  drainMs: 5_000,
}

/** Identifies one incarnation of an account's index: dropping and reopening it makes another. */
interface OpenedFile {
  made: Promise<unknown>
}

/** Removed accounts remembered to reject their late calls; past it, the oldest is forgotten. */
const maxRemoved = 1_000

/** Young generation (MB) that holds the thousand rows of a search with facets: promoted ones would cost a full GC. */
const youngMbOfSearches = 24

const program = threadProgram(import.meta, 'index-thread')

export class IndexThreads {
  readonly #bounds: IndexThreadBounds
  readonly #damaged: (accountId: string) => void
  readonly #workers: Record<IndexRole, IndexWorker>
  /** Open indexes by account; the writing thread creates each file before readers open it. */
  readonly #opened = new Map<string, OpenedFile>()
  readonly #dropping = new Map<string, Promise<void>>()
  readonly #removed = new Set<string>()
  readonly #unchanged = new UnchangedPages()
  readonly #waiting = new Map<string, number>()
  /** Operations by account, cached until the account is dropped. */
  readonly #operations = new Map<string, IndexOperations>()
  #waitingCalls = 0
  #waitingBytes = 0
  #drained: (() => void) | undefined
  #isClosed = false

  constructor({ home, damaged, bounds, thread = program, writers }: IndexThreadsOptions) {
    this.#bounds = { ...defaultBounds, ...bounds }
    this.#damaged = damaged
    const { idleMs } = this.#bounds
    const worker = (isReader: boolean) => ({ home, isReader, thread, idleMs })
    this.#workers = {
      // Indexing yields to whatever people wait for; a search, which occupies a core for a while, yields to lists.
      writes: new IndexWorker({ ...worker(false), priority: 'background' }),
      lists: new IndexWorker({ ...worker(true), writers }),
      searches: new IndexWorker({ ...worker(true), writers, priority: 'low', maxYoungMb: youngMbOfSearches }),
    }
  }

  /** Number of threads running now. */
  get running(): number {
    return this.#all.filter(({ isRunning }) => isRunning).length
  }

  /** Starts the threads that lists need, in parallel with the rest of the server's start. */
  warm(): void {
    for (const role of ['lists', 'writes'] as const) this.#workers[role].warm()
  }

  /**
   * Returns the operations of an account's index. Text bytes in a batch are copied, or transferred with their `memory`.
   * @throws IndexFault from each of its methods, and Problem `account_not_found` once the account is retired
   */
  of(accountId: string): IndexOperations {
    const known = this.#operations.get(accountId)
    if (known) return known
    const names = Object.keys(roles) as IndexOperation[]
    const calls = names.map(name => [name, (...given: unknown[]) => this.#call(accountId, name, given)])
    const all = Object.fromEntries(calls) as unknown as IndexOperations
    const operations = Object.freeze({ ...all, listPage: this.#listPage(accountId, all) })
    this.#operations.set(accountId, operations)
    return operations
  }

  /** Removes an account's whole index. Calls made meanwhile see an empty one. @throws IndexFault */
  async drop(accountId: string): Promise<void> {
    this.#operations.delete(accountId)
    this.#refuse(accountId, 0)
    await this.#counted(accountId, 0, () => this.#drop(accountId))
  }

  /** Rejects all further calls of an account: a late one would write data of an account that no longer exists. */
  retire(accountId: string): void {
    this.#removed.add(accountId)
    this.#unchanged.forget(accountId)
    if (this.#removed.size > maxRemoved) this.#removed.delete(this.#removed.values().next().value!)
  }

  /** Returns whether a call may have created the account's index. */
  isOpened(accountId: string): boolean {
    return this.#opened.has(accountId)
  }

  /** Rejects new calls, waits up to `drainMs` for those in flight, then stops the threads. */
  async close(): Promise<void> {
    this.#isClosed = true
    const { drainMs } = this.#bounds
    if (this.#waitingCalls > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#drained = resolve
      const timer = setTimeout(resolve, drainMs)
      await promise
      clearTimeout(timer)
    }
    await Promise.all([this.#workers.lists.close(drainMs), this.#workers.searches.close(drainMs)])
    // The writer closes last: it checkpoints the write-ahead logs into the files, which a reader cannot do.
    await this.#workers.writes.close(drainMs)
  }

  get #all(): IndexWorker[] {
    return Object.values(this.#workers)
  }

  /** Answers `same` without a round trip to the thread if nothing was written since the page that the caller has. */
  #listPage(accountId: string, { listPage }: IndexOperations): IndexOperations['listPage'] {
    return async (query, tag) => {
      if (!this.#isClosed && this.#unchanged.holds(accountId, tag)) {
        // Resets the idle timeout, so that the thread stays alive while lists are requested.
        this.#workers.lists.warm()
        return { kind: 'same' }
      }
      const tagOf = (answer: PageAnswer) =>
        answer.kind === 'page' ? answer.tag : answer.kind === 'same' ? tag : undefined
      return this.#unchanged.reading(accountId, () => listPage(query, tag), tagOf)
    }
  }

  #call(accountId: string, name: IndexOperation, given: unknown[]): Promise<unknown> {
    const order = () => this.#order(accountId, name, given)
    return roles[name] === 'writes' ? this.#unchanged.writing(accountId, order) : order()
  }

  async #order(accountId: string, name: IndexOperation, given: unknown[]): Promise<unknown> {
    const batch: Partial<FolderBatch> = name === 'applyBatch' ? (given[0] as FolderBatch) : {}
    const { texts = [] } = batch
    const bytes = texts.reduce((sum, { parts }) => sum + parts.reduce((all, part) => all + part.bytes.byteLength, 0), 0)
    this.#refuse(accountId, bytes)
    return this.#counted(accountId, bytes, async () => {
      const worker = this.#workers[roles[name]]
      // Starts the thread while the writer opens the file.
      worker.warm()
      let opened = await this.#open(accountId)
      // If it was dropped meanwhile, a reader would reopen a file that is about to be deleted.
      while (this.#opened.get(accountId) !== opened) opened = await this.#open(accountId)
      const owned = ownBytes(batch)
      const values = texts.length === 0 ? given : [{ ...batch, ...owned }, ...given.slice(1)]
      const order = { do: name, arguments: values } as IndexOrder
      try {
        return await worker.run(accountId, order, owned.memory)
      } catch (error) {
        if (isDamaged(error)) await this.#begin(accountId, opened)
        throw error
      }
    })
  }

  /** Opens the account's index, if necessary, and returns its incarnation: a new one after a drop. */
  async #open(accountId: string): Promise<OpenedFile> {
    for (let dropping = this.#dropping.get(accountId); dropping; dropping = this.#dropping.get(accountId)) {
      await dropping.catch(() => undefined)
    }
    if (this.#removed.has(accountId)) throw new Problem('account_not_found', 'There is no such account.')
    const known = this.#opened.get(accountId)
    const opened = known ?? { made: this.#workers.writes.run(accountId, { do: 'open' }) }
    this.#opened.set(accountId, opened)
    try {
      await opened.made
      return opened
    } catch (error) {
      const isFirst = this.#opened.get(accountId) === opened
      if (isFirst) this.#opened.delete(accountId)
      // The thread that detected the damage has already removed the file.
      if (isFirst && isDamaged(error)) this.#damaged(accountId)
      throw error
    }
  }

  /** Drops and reports a damaged index once, however many calls failed on it. */
  async #begin(accountId: string, opened: OpenedFile): Promise<void> {
    if (this.#opened.get(accountId) !== opened) return
    await this.#drop(accountId)
    this.#damaged(accountId)
  }

  #drop(accountId: string): Promise<void> {
    const dropping = this.#dropping.get(accountId)
    if (dropping) return dropping
    this.#opened.delete(accountId)
    const dropped = this.#unchanged
      .writing(accountId, () => this.#removeEverywhere(accountId))
      .finally(() => this.#dropping.delete(accountId))
    this.#dropping.set(accountId, dropped)
    return dropped
  }

  async #removeEverywhere(accountId: string): Promise<void> {
    const readers = [this.#workers.lists, this.#workers.searches].filter(({ isRunning }) => isRunning)
    // A reader thread that ends meanwhile has nothing open.
    await Promise.allSettled(readers.map(reader => reader.run(accountId, { do: 'release' })))
    await this.#workers.writes.run(accountId, { do: 'drop' })
  }

  #refuse(accountId: string, bytes: number): void {
    const { maxWaiting, maxWaitingPerAccount, maxWaitingBytes } = this.#bounds
    if (this.#isClosed) throw new IndexFault('closed', 'the server is stopping')
    const isFull =
      this.#waitingCalls >= maxWaiting ||
      (this.#waiting.get(accountId) ?? 0) >= maxWaitingPerAccount ||
      // A single call may exceed the limit.
      (this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes)
    if (isFull) throw new IndexFault('overloaded', 'too many calls wait for the index; this one was not begun')
  }

  async #counted<Result>(accountId: string, bytes: number, work: () => Promise<Result>): Promise<Result> {
    this.#waitingCalls++
    this.#waitingBytes += bytes
    this.#waiting.set(accountId, (this.#waiting.get(accountId) ?? 0) + 1)
    try {
      return await work()
    } finally {
      this.#waitingCalls--
      this.#waitingBytes -= bytes
      const left = this.#waiting.get(accountId)! - 1
      if (left > 0) this.#waiting.set(accountId, left)
      else this.#waiting.delete(accountId)
      if (this.#waitingCalls === 0) this.#drained?.()
    }
  }
}

function isDamaged(error: unknown): boolean {
  return error instanceof IndexFault && error.code === 'damaged'
}
