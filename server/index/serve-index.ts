/** Message loop of a thread of the index: opens indexes on demand, and answers orders concurrently. */
import type { MessagePort } from 'node:worker_threads'
import { databaseFaultKind, isDatabaseFault } from '../platform/database/database-fault.ts'
import { IndexDatabases, type IndexParts } from './index-databases.ts'
import { IndexFault } from './index-fault.ts'
import type { FromIndexThread, IndexFailure, IndexOrder, IndexThreadData, ToIndexThread } from './index-messages.ts'
import type { IndexStore } from './index-store.ts'

/** Idle time without an order after which a step of compaction runs. */
const quietMs = 300

export function serveIndex(port: MessagePort, { home, isReader }: IndexThreadData, parts: IndexParts): void {
  const databases = new IndexDatabases(home, parts, { isReader })
  const running = new Set<Promise<void>>()
  const tidier = new Tidier(databases, () => running.size === 0)
  const post = (message: FromIndexThread) => port.postMessage(message)
  const answer = async (number: number, accountId: string, order: IndexOrder) => {
    try {
      post({ number, value: await obey(databases, accountId, order) })
    } catch (error) {
      post({ number, failure: toFailure(error) })
    }
  }
  const close = async () => {
    tidier.stop()
    await Promise.all(running)
    await databases.close()
    port.close()
  }
  port.on('message', (message: ToIndexThread) => {
    if (message === 'close') return void close()
    const { number, accountId, order } = message
    tidier.stop()
    // Otherwise tidying would recreate the index of an account that was dropped.
    if (order.do === 'drop') tidier.forget(accountId)
    const answered = answer(number, accountId, order).finally(() => {
      running.delete(answered)
      if (order.do === 'applyBatch') tidier.note(accountId)
      if (order.do === 'drop') tidier.forget(accountId)
      if (running.size === 0) tidier.start()
    })
    running.add(answered)
  })
}

/** Compacts recently written indexes between orders, for faster searches. */
class Tidier {
  readonly #databases: IndexDatabases
  readonly #isIdle: () => boolean
  readonly #written = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(databases: IndexDatabases, isIdle: () => boolean) {
    this.#databases = databases
    this.#isIdle = isIdle
  }

  note(accountId: string): void {
    this.#written.add(accountId)
  }

  forget(accountId: string): void {
    this.#written.delete(accountId)
  }

  start(): void {
    clearTimeout(this.#timer)
    if (this.#written.size > 0) this.#timer = setTimeout(() => void this.#tidy(), quietMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Runs one bounded step, which is the most that an order waits. */
  async #tidy(): Promise<void> {
    const [accountId] = this.#written
    if (accountId === undefined) return
    // Errors of the database are ignored here; the next call reports them.
    const hasMore = await this.#databases.use(accountId, store => store.tidy()).catch(() => false)
    if (!hasMore) this.#written.delete(accountId)
    // If an order came in meanwhile, its end starts the timer again.
    if (this.#isIdle()) this.start()
  }
}

async function obey(databases: IndexDatabases, accountId: string, order: IndexOrder): Promise<unknown> {
  switch (order.do) {
    case 'open':
      return databases.use(accountId, async () => undefined)
    case 'release':
      return databases.release(accountId)
    case 'drop':
      return databases.drop(accountId)
    default: {
      const { do: name, arguments: given } = order
      return databases.use(accountId, store => ask(store, name, given))
    }
  }
}

/** Calls a method by name; the cast is sound since name and arguments come from the same `IndexOrder`. */
function ask(store: IndexStore, name: keyof IndexStore, given: readonly unknown[]): Promise<unknown> {
  const method = store[name] as (...values: readonly unknown[]) => Promise<unknown>
  return method.apply(store, given as unknown[])
}

function toFailure(error: unknown): IndexFailure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  const code = error instanceof IndexFault ? error.code : undefined
  const database = code === undefined && databaseFaultKind(error) !== undefined ? toldBy(error as Error) : undefined
  return { code, message, stack, ...(database && { database }) }
}

function toldBy(error: Error & { errcode?: number; code?: string }): IndexFailure['database'] {
  const { errcode, code } = error
  return {
    ...(errcode !== undefined && { errcode }),
    ...(code !== undefined && { code }),
    isMarked: isDatabaseFault(error),
  }
}
