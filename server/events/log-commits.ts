/**
 * Commits facts to the log. Concurrent transactions of this process, which would wait for each other, are grouped into
 * one (group commit): the commit is paid for once, and a part that fails is rolled back alone.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import type { DatabaseChanges } from '../platform/database/database-changes.ts'
import { DatabaseOverloaded, databaseFaultKind } from '../platform/database/database-fault.ts'
import { sendLater } from '../platform/database/later.ts'
import { TransactionPart } from '../platform/database/transaction-part.ts'
import type { EventStore, NewEvent } from './event-store.ts'
import { isAdministrative } from './fact-classes.ts'
import type { EncodedFact, LogTail, Ticket } from './log-tail.ts'
import { storedJson } from './stored-fact.ts'

/** A fact with its row of the log. */
interface LoggedFact extends EncodedFact {
  row: NewEvent
}

/** Facts to commit in one transaction. */
interface Batch {
  told: LoggedFact[]
  /** Value of the counter, once it is locked and known. */
  newest: number | undefined
  /** Ticket of a commit that failed, but may have succeeded all the same. */
  ticket: Ticket | undefined
}

type Work<Result> = (transaction: Database, publish: (fact: Fact) => void) => Promise<Result>

/** A queued call of `transact`, with the type of its result erased. */
interface Call {
  since: number
  /** Runs the work as a part. Returns a function that resolves the call; rejects with the error of the work. */
  run(part: Database, publish: (fact: Fact) => void): Promise<() => void>
  reject(error: unknown): void
}

interface Member {
  call: Call
  told: LoggedFact[]
  resolve: () => void
}

/** Calls grouped into one transaction. */
interface Group {
  /** Calls whose parts succeeded, in order. */
  members: Member[]
  facts: number
  /** The running call, whose failure may end the transaction. */
  next: Call | undefined
  /** The last call, if its part failed and was rolled back alone. */
  failed: { call: Call; error: unknown } | undefined
}

/** Calls per transaction; PostgreSQL caches up to 64 subtransactions in memory. */
const maxMembers = 32
/** Time after which no further call joins a transaction, since its first call waits for all. */
const joinMs = 20
/** Facts in a transaction from which on no further call joins it. */
const maxFacts = 1_000
const maxCalls = 10_000
const turnMs = 30_000

export interface LogCommitsOptions {
  store: EventStore
  tail: LogTail
  changes: DatabaseChanges
  /** Monotonic clock in milliseconds. */
  now?: () => number
}

export class LogCommits {
  readonly #options: LogCommitsOptions
  readonly #now: () => number
  readonly #calls: Call[] = []
  #running: Promise<void> | undefined

  constructor(options: LogCommitsOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** Resolves once all calls made before are committed or rejected. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** See `EventLog.transact`. */
  transact<Result>(work: Work<Result>): Promise<Result> {
    if (this.#calls.length >= maxCalls) {
      return Promise.reject(new DatabaseOverloaded(`${maxCalls} transactions wait for the database already`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const run: Call['run'] = async (part, publish) => {
      const result = await work(part, publish)
      return () => resolve(result)
    }
    this.#calls.push({ since: this.#now(), run, reject })
    this.#running ??= this.#runAll()
    return promise
  }

  /** Prepares a batch of facts alone. A retry of `commit` first checks whether the failed one succeeded after all. */
  newBatch(facts: readonly Fact[]): { commit(): Promise<void> } {
    const batch: Batch = { told: facts.map(toLogged), newest: undefined, ticket: undefined }
    return {
      commit: async () => {
        const { handedOn } = await this.#commit(batch, transaction => this.#skipCommitted(transaction, batch))
        await handedOn
      },
    }
  }

  /** Empties a batch that is already committed: a lost answer leaves that unknown until the lock is held. */
  async #skipCommitted(transaction: Database, batch: Batch): Promise<void> {
    const { store } = this.#options
    if (!batch.ticket) return
    await store.lock(transaction)
    const rows = batch.told.map(({ row }) => row)
    if (await store.holds(transaction, batch.ticket.first, rows)) batch.told = []
  }

  /** Runs until nothing waits, and ends in the same turn, so that a later call starts it again. */
  async #runAll(): Promise<void> {
    // Calls made in the same turn are grouped.
    await Promise.resolve()
    for (let call = this.#next(); call; call = this.#next()) await this.#commitGroup(call)
    this.#running = undefined
  }

  #next(): Call | undefined {
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) {
      if (this.#now() - call.since <= turnMs) return call
      call.reject(new DatabaseOverloaded(`other transactions held the database for ${turnMs} ms`))
    }
    return undefined
  }

  /** Commits a group of calls that begins with `first`, and settles all of them. Never rejects. */
  async #commitGroup(first: Call): Promise<void> {
    const group: Group = { members: [], facts: 0, next: first, failed: undefined }
    const { members } = group
    const batch: Batch = { told: [], newest: undefined, ticket: undefined }
    try {
      const { handedOn } = await this.#commit(batch, async transaction => {
        await this.#runParts(group, batch, transaction)
        batch.told = members.flatMap(({ told }) => told)
      })
      // Delivery is not awaited, so that it does not delay the next transaction.
      void handedOn.then(() => {
        for (const { resolve } of members) resolve()
      })
      if (!group.failed) return
      group.failed.call.reject(group.failed.error)
    } catch (error) {
      // The failed part may have failed because of parts that are now rolled back, so it gets this error, too.
      group.failed?.call.reject(error)
      group.next?.reject(error)
      // Last one first, a turn each, so that changes made in memory are undone in reverse order.
      for (const { call } of members.toReversed()) {
        await yieldLoop()
        call.reject(error)
      }
    }
    // Failed calls undo their changes in memory before the next one reads them.
    await yieldLoop()
  }

  /** Runs parts until nothing waits, a bound is reached, or one fails, since it still has to undo changes in memory. */
  async #runParts(group: Group, batch: Batch, transaction: Database): Promise<void> {
    const began = this.#now()
    const lock = onceFor(async () => {
      const { newest } = await this.#options.store.lock(transaction)
      const note = (number: number) => {
        batch.newest = number
      }
      // If it fails, the statements after it fail as well.
      newest.then(note, () => undefined)
    })
    while (group.next) {
      const { isBegun } = await this.#runPart(group, group.next, transaction, lock)
      const { members, facts, failed } = group
      const isFull = members.length >= maxMembers || facts >= maxFacts || this.#now() - began >= joinMs
      const isLast = failed !== undefined || isFull
      // The first part has no savepoint, so its deferred statements are sent before the next part begins.
      if (!isLast && isBegun && members.length === 1 && this.#calls.length > 0) await sendLater(transaction)
      group.next = isLast ? undefined : this.#next()
    }
  }

  /** Runs one part. @throws an error that ends the whole transaction */
  async #runPart(group: Group, call: Call, transaction: Database, lock: Once): Promise<{ isBegun: boolean }> {
    const told: LoggedFact[] = []
    const isFirst = group.members.length === 0
    const part = new TransactionPart(transaction, { isFirst, before: lock.begin })
    try {
      const resolve = await call.run(part.database, fact => told.push(toLogged(fact)))
      await lock.done()
      await part.keep()
      group.members.push({ call, told, resolve })
      group.facts += told.length
    } catch (error) {
      await lock.done()
      if (isFirst && part.isBegun) throw error
      const takenBack = await part.takeBack().catch((broken: unknown) => ({ broken }))
      // SQLite rolls back the whole transaction when the disk is full; report that, not that the savepoint is gone.
      if (takenBack) throw databaseFaultKind(error) ? error : takenBack.broken
      group.failed = { call, error }
    }
    return part
  }

  /** Commits the work and the facts it puts into `batch`; `handedOn` resolves when they are delivered. */
  async #commit(batch: Batch, work: (transaction: Database) => Promise<void>): Promise<{ handedOn: Promise<void> }> {
    const { store, tail, changes } = this.#options
    let ticket: Ticket | undefined
    try {
      await store.transact(async transaction => {
        await work(transaction)
        const rows = batch.told.map(({ row }) => row)
        if (rows.length > 0) ticket = tail.begin(await store.append(transaction, rows, batch.newest))
      })
    } catch (error) {
      if (ticket) {
        batch.ticket = ticket
        tail.failed(ticket)
        changes.notify()
      }
      throw error
    }
    if (!ticket) return { handedOn: Promise.resolve() }
    changes.notify()
    return { handedOn: tail.committed(ticket, batch.told) }
  }
}

/** Work that is started lazily, at most once. */
interface Once {
  begin(): void
  /** Settles like the work, or immediately if it was not started. */
  done(): Promise<void>
}

function onceFor(work: () => Promise<void>): Once {
  let under: Promise<void> | undefined
  return {
    begin: () => {
      under ??= work()
      // The rejection is reported by `done`.
      under.catch(() => undefined)
    },
    done: async () => under,
  }
}

function toLogged(fact: Fact): LoggedFact {
  const { type, data } = fact
  const json = JSON.stringify(data)
  const accountId = 'account_id' in data ? (data.account_id ?? null) : null
  const row = {
    type,
    account_id: accountId,
    data: storedJson(fact, json),
    at: data.at,
    is_administrative: isAdministrative(type) ? 1 : 0,
  }
  return { fact, json, row }
}
