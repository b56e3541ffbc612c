/**
 * Commits what is appended to the log. Transactions of one process that would wait for each other are parts of a single one: its end
 * is paid for once, and a part that fails is taken back alone.
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
import type { LogTail, Ticket, ToldFact } from './log-tail.ts'
import { storedJson } from './stored-fact.ts'

/** A fact with its row. */
interface Told extends ToldFact {
  row: NewEvent
}

/** Facts of one transaction. */
interface Batch {
  told: Told[]
  /** Where the counter stands, once it is locked and that is known. */
  newest: number | undefined
  /** Of a commit that failed: it may be done all the same. */
  ticket: Ticket | undefined
}

type Work<Result> = (transaction: Database, tell: (fact: Fact) => void) => Promise<Result>

/** A call that waits for its turn, with all that depends on the type of its result. */
interface Call {
  since: number
  /** Carries it out as a part. Answers how to resolve its promise; rejects as its work does. */
  run(part: Database, tell: (fact: Fact) => void): Promise<() => void>
  reject(error: unknown): void
}

interface Member {
  call: Call
  told: Told[]
  resolve: () => void
}

/** Calls of one transaction. */
interface Group {
  /** Whose parts were kept, in order. */
  members: Member[]
  facts: number
  /** Whose turn it is, and whose failure may end the transaction. */
  next: Call | undefined
  /** The last one, taken back alone. */
  failed: { call: Call; error: unknown } | undefined
}

/** Calls of one transaction; PostgreSQL keeps 64 parts of each in memory. */
const maxMembers = 32
/** After so long no further call joins a transaction: the first of it waits for all. */
const joinMs = 20
/** With so many facts in it no further call joins a transaction. */
const maxFacts = 1_000
const maxCalls = 10_000
const turnMs = 30_000

export interface LogCommitsOptions {
  store: EventStore
  tail: LogTail
  changes: DatabaseChanges
  /** In milliseconds; never goes back. */
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

  /** What was asked before is committed or rejected. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** See `EventLog.transact`. */
  transact<Result>(work: Work<Result>): Promise<Result> {
    if (this.#calls.length >= maxCalls) {
      return Promise.reject(new DatabaseOverloaded(`${maxCalls} transactions wait for the database already`))
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const run: Call['run'] = async (part, tell) => {
      const result = await work(part, tell)
      return () => resolve(result)
    }
    this.#calls.push({ since: this.#now(), run, reject })
    this.#running ??= this.#runAll()
    return promise
  }

  /** Commits facts that stand by themselves. When it fails, a further call finds out whether they are there all the same. */
  newBatch(facts: readonly Fact[]): { commit(): Promise<void> } {
    const batch: Batch = { told: facts.map(toTold), newest: undefined, ticket: undefined }
    return {
      commit: async () => {
        const { handedOn } = await this.#commit(batch, transaction => this.#skipCommitted(transaction, batch))
        await handedOn
      },
    }
  }

  /** The answer to a commit can be lost, and nobody then knows what became of it until the lock is held. */
  async #skipCommitted(transaction: Database, batch: Batch): Promise<void> {
    const { store } = this.#options
    if (!batch.ticket) return
    await store.lock(transaction)
    const rows = batch.told.map(({ row }) => row)
    if (await store.holds(transaction, batch.ticket.first, rows)) batch.told = []
  }

  /** Has ended in the very moment in which it saw that nothing waits: a later call begins it again. */
  async #runAll(): Promise<void> {
    // Those who ask in the same turn go together.
    await Promise.resolve()
    for (let call = this.#next(); call; call = this.#next()) await this.#commitGroup(call)
    this.#running = undefined
  }

  #next(): Call | undefined {
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) {
      if (this.#now() - call.since <= turnMs) return call
      call.reject(new DatabaseOverloaded(`other transactions kept the database for ${turnMs} ms`))
    }
    return undefined
  }

  /** Never rejects. */
  async #commitGroup(first: Call): Promise<void> {
    const group: Group = { members: [], facts: 0, next: first, failed: undefined }
    const { members } = group
    const batch: Batch = { told: [], newest: undefined, ticket: undefined }
    try {
      const { handedOn } = await this.#commit(batch, async transaction => {
        await this.#runParts(group, batch, transaction)
        batch.told = members.flatMap(({ told }) => told)
      })
      // The next transaction does not wait for it.
      void handedOn.then(() => {
        for (const { resolve } of members) resolve()
      })
      if (!group.failed) return
      group.failed.call.reject(group.failed.error)
    } catch (error) {
      // What became true of others may be why a part failed, and is not true now.
      group.failed?.call.reject(error)
      group.next?.reject(error)
      // The last one first, each with a turn: what they have changed in memory they take back in this order.
      for (const { call } of members.toReversed()) {
        await yieldLoop()
        call.reject(error)
      }
    }
    // What was changed in memory is taken back before the next one looks at it.
    await yieldLoop()
  }

  /** Until nothing waits, a bound is reached, or a part fails: nobody sees what that one has not yet taken back in memory. */
  async #runParts(group: Group, batch: Batch, transaction: Database): Promise<void> {
    const began = this.#now()
    const lock = onceFor(async () => {
      const { newest } = await this.#options.store.lock(transaction)
      const note = (number: number) => {
        batch.newest = number
      }
      // Should it fail, so does what follows.
      newest.then(note, () => undefined)
    })
    while (group.next) {
      const { isBegun } = await this.#runPart(group, group.next, transaction, lock)
      const { members, facts, failed } = group
      const isFull = members.length >= maxMembers || facts >= maxFacts || this.#now() - began >= joinMs
      const isLast = failed !== undefined || isFull
      // What the first leaves for later has no savepoint behind it: should it fail, the next has not begun.
      if (!isLast && isBegun && members.length === 1 && this.#calls.length > 0) await sendLater(transaction)
      group.next = isLast ? undefined : this.#next()
    }
  }

  /** @throws what ends the whole transaction. */
  async #runPart(group: Group, call: Call, transaction: Database, lock: Once): Promise<{ isBegun: boolean }> {
    const told: Told[] = []
    const isFirst = group.members.length === 0
    const part = new TransactionPart(transaction, { isFirst, before: lock.begin })
    try {
      const resolve = await call.run(part.database, fact => told.push(toTold(fact)))
      await lock.done()
      await part.keep()
      group.members.push({ call, told, resolve })
      group.facts += told.length
    } catch (error) {
      await lock.done()
      if (isFirst && part.isBegun) throw error
      const takenBack = await part.takeBack().catch((broken: unknown) => ({ broken }))
      // SQLite gives up a whole transaction when the disk is full; the reason is told, not that there is none any more.
      if (takenBack) throw databaseFaultKind(error) ? error : takenBack.broken
      group.failed = { call, error }
    }
    return part
  }

  /** @param batch Filled by the work; what it fills in last is told. Answers when it is committed, and how to wait until it is handed on. */
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
        changes.tell()
      }
      throw error
    }
    if (!ticket) return { handedOn: Promise.resolve() }
    changes.tell()
    return { handedOn: tail.committed(ticket, batch.told) }
  }
}

/** Something that the first who needs it begins. */
interface Once {
  begin(): void
  /** As it ended; at once when nobody needed it. */
  done(): Promise<void>
}

function onceFor(work: () => Promise<void>): Once {
  let under: Promise<void> | undefined
  return {
    begin: () => {
      under ??= work()
      // Heard of by `done`.
      under.catch(() => undefined)
    },
    done: async () => under,
  }
}

function toTold(fact: Fact): Told {
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
