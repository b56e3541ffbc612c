/**
 * The indexes of all accounts, as the thread that serves requests asks for them: one thread writes, one reads lists, one searches. A
 * call is one message there and one back. An index is a cache: what is lost with a thread or a file is read from the mail server again.
 */
import { Problem } from '../platform/problem.ts'
import { threadProgram } from '../platform/start-thread.ts'
import type { IndexHome } from './index-databases.ts'
import { IndexFault } from './index-fault.ts'
import type { IndexOrder, WriterPlace } from './index-messages.ts'
import { type IndexOperation, type IndexOperations, type IndexRole, roles } from './index-operations.ts'
import type { PageAnswer } from './index-page.ts'
import type { FolderBatch } from './index-types.ts'
import { IndexWorker } from './index-worker.ts'
import { ownBytes } from './own-bytes.ts'
import { UnchangedPages } from './unchanged-pages.ts'

export interface IndexThreadsOptions {
  home: IndexHome
  /** The index of the account is empty now, though nobody asked for it: it has to be read from the mail server again. */
  damaged(accountId: string): void
  bounds?: Partial<IndexThreadBounds>
  /** The file that the threads run. */
  thread?: string
  /** What makes lists and hits as text; without it there are none. */
  writers?: WriterPlace
}

export interface IndexThreadBounds {
  /** Calls that are not answered yet, of all accounts, and of one. */
  maxWaiting: number
  maxWaitingPerAccount: number
  /** Of texts in them. */
  maxWaitingBytes: number
  /** After so long without a call a thread ends. */
  idleMs: number
  /** When it is closed, for what is under way. */
  drainMs: number
}

const defaultBounds: IndexThreadBounds = {
  maxWaiting: 1_000,
  maxWaitingPerAccount: 200,
  maxWaitingBytes: 64 * 1024 * 1024,
  idleMs: 60_000,
  drainMs: 5_000,
}

/** One each time that the index of an account begins. */
interface OpenedFile {
  made: Promise<unknown>
}

/** Accounts that were removed, whose calls may still come. */
const maxRemoved = 1_000

/** A search with facets makes a thousand rows, which live until its end: where they outlive two collections, everything has to be collected for them. */
const youngMbOfSearches = 24

const program = threadProgram(import.meta, 'index-thread')

export class IndexThreads {
  readonly #bounds: IndexThreadBounds
  readonly #damaged: (accountId: string) => void
  readonly #workers: Record<IndexRole, IndexWorker>
  /** Made by the one that writes before others open them. */
  readonly #opened = new Map<string, OpenedFile>()
  readonly #dropping = new Map<string, Promise<void>>()
  readonly #removed = new Set<string>()
  readonly #unchanged = new UnchangedPages()
  readonly #waiting = new Map<string, number>()
  /** Of accounts that were asked for, until they are dropped. */
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
      // Indexing comes behind what people wait for, and a search, which takes a core for some time, behind lists.
      writes: new IndexWorker({ ...worker(false), priority: 'background' }),
      lists: new IndexWorker({ ...worker(true), writers }),
      searches: new IndexWorker({ ...worker(true), writers, priority: 'low', maxYoungMb: youngMbOfSearches }),
    }
  }

  /** Threads that there are at this moment. */
  get running(): number {
    return this.#all.filter(({ isRunning }) => isRunning).length
  }

  /** What a list needs starts now, beside whatever else a start does. */
  warm(): void {
    for (const role of ['lists', 'writes'] as const) this.#workers[role].warm()
  }

  /**
   * The index of an account. Bytes of texts in a batch are copied, or handed over with their `memory`.
   * @throws IndexFault from each of its methods, and Problem `account_not_found` when it is retired
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

  /** Removes all that is indexed of an account. Calls that come meanwhile find an empty one. @throws IndexFault */
  async drop(accountId: string): Promise<void> {
    this.#operations.delete(accountId)
    this.#refuse(accountId, 0)
    await this.#counted(accountId, 0, () => this.#drop(accountId))
  }

  /** Its calls are refused from now on: one that comes late would write what it read of an account that is no longer there. */
  retire(accountId: string): void {
    this.#removed.add(accountId)
    this.#unchanged.forget(accountId)
    if (this.#removed.size > maxRemoved) this.#removed.delete(this.#removed.values().next().value!)
  }

  /** Whether a call may have made it. */
  isOpened(accountId: string): boolean {
    return this.#opened.has(accountId)
  }

  /** What was asked before is done, as far as there is time. */
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
    // The last one: it takes the write-ahead logs into the files, which a reader cannot.
    await this.#workers.writes.close(drainMs)
  }

  get #all(): IndexWorker[] {
    return Object.values(this.#workers)
  }

  /** One that its caller has, and that nothing was written since, is answered at once: the thread would have to be woken, and waited for. */
  #listPage(accountId: string, { listPage }: IndexOperations): IndexOperations['listPage'] {
    return async (query, tag) => {
      if (!this.#isClosed && this.#unchanged.holds(accountId, tag)) {
        // It does not end as long as lists are asked for.
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
      // Beside the one that writes, which opens the file first.
      worker.warm()
      let opened = await this.#open(accountId)
      // Removed meanwhile: a reader would open the file once more that is about to go.
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

  /** Answers what stands for this file: another one when it was removed meanwhile. */
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
      // The thread that found it has removed it.
      if (isFirst && isDamaged(error)) this.#damaged(accountId)
      throw error
    }
  }

  /** Once for each file that is damaged, however many calls found it so. */
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
    // One that ends meanwhile has nothing open.
    await Promise.allSettled(readers.map(reader => reader.run(accountId, { do: 'release' })))
    await this.#workers.writes.run(accountId, { do: 'drop' })
  }

  #refuse(accountId: string, bytes: number): void {
    const { maxWaiting, maxWaitingPerAccount, maxWaitingBytes } = this.#bounds
    if (this.#isClosed) throw new IndexFault('closed', 'the server is stopping')
    const isFull =
      this.#waitingCalls >= maxWaiting ||
      (this.#waiting.get(accountId) ?? 0) >= maxWaitingPerAccount ||
      // One alone may be larger.
      (this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes)
    if (isFull) throw new IndexFault('overloaded', 'too much waits for the index; nothing of this was begun')
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
