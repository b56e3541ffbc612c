/**
 * Finds new messages of a watched folder and announces each exactly once, in order. Its position is stored in one
 * transaction with the facts, so that neither a crash nor a restart loses or repeats one.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { EventOf } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { Arrivals, MailConnection, MessageHead } from '../imap/mail-gateway.ts'
import { toAnnounced } from '../imap/message-bounds.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { AppliedBatch } from '../index/index-types.ts'
import { databaseFaultKind, isDatabaseFault } from '../platform/database/database-fault.ts'
import { LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountIndexer } from './account-indexer.ts'
import type { FolderState, FolderStateStore, WatchedFolder } from './folder-state-store.ts'

export interface ArrivalSyncOptions {
  folder: WatchedFolder
  states: Pick<FolderStateStore, 'find' | 'save'>
  pool: ConnectionPool
  hub: Pick<EventHub, 'transact'>
  refs: Pick<MessageRefs, 'encode'>
  logger: Logger
  backoff: Backoff
  /** Called with the Problem of a failed check, to be retried, or undefined after success. `stop` ends retries. */
  onLook(problem: Problem | undefined): 'go on' | 'stop'
  onArrival(at: string): void
  /** Returns the indexer that receives new messages; undefined while there is none. */
  indexerOf?(): Pick<AccountIndexer, 'arrive' | 'isComplete'> | undefined
}

type Heads = ReadonlyMap<number, MessageHead>
/** Indexed messages by UID. */
type Ids = ReadonlyMap<number, AppliedBatch['added'][number]>

/** Messages per check, announced in one transaction; the next check fetches more. */
const batchSize = 500
/** Messages per check where each is indexed before its announcement. */
const indexedBatchSize = 200
/** Newest messages per batch whose subject and sender are fetched; the rest of a flood is announced without them. */
const headsOfBatch = 100
/** Messages announced after a long absence, as many as a client can replay; older ones are skipped. */
const mostAnnounced = 10_000

export class ArrivalSync {
  readonly #options: ArrivalSyncOptions
  /** The position as stored; undefined until a connection has opened the folder, and once its account is deleted. */
  #known: FolderState | undefined
  /** The folder state as a connection has just found it. */
  #opened: FolderState | undefined
  #isDue = false
  /** The watch whose check is running; a check of an ended watch may still hang, and has no effect when it returns. */
  #runningFor: AbortSignal | undefined

  constructor(options: ArrivalSyncOptions) {
    this.#options = options
  }

  /** Starts from the stored position, so that mail from downtimes is announced, but not mail of the first start. */
  begin(state: FolderState, signal: AbortSignal): void {
    this.#opened = state
    this.#start(signal)
  }

  /** Schedules a check; calls until it starts are coalesced. */
  look(signal: AbortSignal): void {
    this.#isDue = true
    this.#start(signal)
  }

  #start(signal: AbortSignal): void {
    // Before `begin` there is no position to compare with.
    const isReady = this.#opened !== undefined || (this.#isDue && this.#known !== undefined)
    if (!isReady || signal.aborted || this.#runningFor === signal) return
    this.#runningFor = signal
    const { folder, logger } = this.#options
    this.#run(signal)
      .catch(err => logger.error({ err, account_id: folder.accountId }, 'checking for new mail failed'))
      .finally(() => {
        if (this.#runningFor !== signal) return
        this.#runningFor = undefined
        // A check may have been requested since the last one.
        this.#start(signal)
      })
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; (this.#opened || this.#isDue) && !signal.aborted; ) {
      const opened = this.#opened
      this.#opened = undefined
      const outcome = await this.#step(opened, signal).catch(asFailure)
      if (signal.aborted) return
      if (typeof outcome === 'string') {
        failures = 0
        if (outcome === 'looked' && this.#options.onLook(undefined) === 'stop') return
        continue
      }
      if (outcome instanceof Problem && this.#options.onLook(outcome) === 'stop') return
      this.#opened ??= opened
      this.#isDue = true
      // A database failure is not the account's fault, and is reported elsewhere.
      const { folder, logger, backoff } = this.#options
      if (!(outcome instanceof Problem)) logger.warn({ err: outcome, account_id: folder.accountId }, reasonOf(outcome))
      // An abort ends the wait and then the loop.
      await wait(backoffDelay(failures++, backoff), undefined, { signal }).catch(() => undefined)
    }
  }

  async #step(opened: FolderState | undefined, signal: AbortSignal): Promise<'looked' | 'nothing new'> {
    if (opened) await this.#takeUp(opened)
    if (!this.#isDue) return 'nothing new'
    this.#isDue = false
    await this.#look(signal)
    return 'looked'
  }

  async #takeUp(opened: FolderState): Promise<void> {
    const { folder, states, logger } = this.#options
    const stored = await states.find(folder)
    const state = follow(stored, opened)
    if (stored && state !== stored) {
      const about = { account_id: folder.accountId, folder: folder.path, before: stored, now: opened }
      logger.warn(about, 'the folder was recreated or restored: its messages are not announced')
    }
    if (state === stored) this.#known = stored
    else await this.#move(stored, state, [])
    if (opened.uidNext > (this.#known?.uidNext ?? opened.uidNext)) this.#isDue = true
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { folder, pool, logger, indexerOf } = this.#options
    for (let isWhole = false; !isWhole && this.#known; ) {
      const known = this.#known
      const indexer = indexerOf?.()
      const most = indexer ? indexedBatchSize : batchSize
      const look = async (connection: MailConnection) => {
        const arrivals = await connection.listArrivals(folder.path, known.uidNext, most, mostAnnounced)
        return { arrivals, ...(await this.#headsOf(connection, known, arrivals, indexer !== undefined)) }
      }
      const { arrivals, heads, headers } = await pool.run(folder.accountId, 'watch', look, signal, folder.path)
      if (signal.aborted) return
      isWhole = arrivals.uids.length < most
      const ids = await this.#identify(indexer, known, arrivals, headers)
      if (signal.aborted) return
      await this.#announce(known, arrivals, { heads, ids }, isWhole)
      const { passedOver } = arrivals
      if (passedOver > 0)
        logger.warn(
          { account_id: folder.accountId, folder: folder.path, messages: passedOver },
          'too much mail arrived at once: only the newest is announced',
        )
    }
  }

  /** Mail is always announced; what the server does not report is missing in the fact. */
  async #headsOf(
    connection: MailConnection,
    known: FolderState,
    { uidValidity, uids }: Arrivals,
    isIndexed: boolean,
  ): Promise<{ heads: Heads; headers: readonly IndexHeader[] }> {
    const [first, last = 0] = [uids[0], uids.at(-1)]
    if (first === undefined || !isSameFolder(known, uidValidity, uids)) return { heads: new Map(), headers: [] }
    const { folder, logger } = this.#options
    try {
      if (!isIndexed) return { heads: await connection.listHeads(folder.path, uids.slice(-headsOfBatch)), headers: [] }
      const found = await connection.changes.listHeaders(folder.path, [first, last], uids.length, 'oldest')
      const headers = found.uidValidity === uidValidity ? found.headers : []
      const readable = headers.filter(({ faults }) => !faults.includes('unreadable'))
      return { heads: new Map(readable.map(header => [header.uid, header])), headers }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const about = { account_id: folder.accountId, folder: folder.path, code: error.code }
      logger.warn(about, 'new mail is announced without subject and sender')
      return { heads: new Map(), headers: [] }
    }
  }

  /** Mail that cannot be indexed is still announced, by folder and UID. */
  async #identify(
    indexer: Pick<AccountIndexer, 'arrive'> | undefined,
    known: FolderState,
    { uidValidity, uids, passedOver }: Arrivals,
    headers: readonly IndexHeader[],
  ): Promise<Ids> {
    const { folder, logger } = this.#options
    if (!indexer || headers.length === 0) return new Map()
    try {
      // The index finds the skipped messages itself.
      const from = passedOver > 0 ? uids[0]! : known.uidNext
      const added = await indexer.arrive(folder.path, { uidValidity, from, headers })
      return new Map(added?.map(each => [each.uid, each]))
    } catch (error) {
      if (!(error instanceof IndexFault)) throw error
      logger.warn({ err: error, account_id: folder.accountId }, 'new mail is announced without ids')
      return new Map()
    }
  }

  async #announce(
    known: FolderState,
    { uidValidity, uidNext, uids }: Arrivals,
    { heads, ids }: { heads: Heads; ids: Ids },
    isWhole: boolean,
  ): Promise<void> {
    const { folder, refs, logger, onArrival, indexerOf } = this.#options
    const { accountId, path } = folder
    if (!isSameFolder(known, uidValidity, uids)) {
      logger.warn({ account_id: accountId, folder: path }, 'the folder was recreated: its messages are not announced')
      return this.#move(known, { uidValidity, uidNext }, [])
    }
    const isComplete = indexerOf?.()?.isComplete === true
    const at = new Date().toISOString()
    // A message moved back into the folder was announced before, or predates the account.
    const arrived = uids.filter(uid => ids.get(uid)?.hasArrived !== false)
    const facts = arrived.map(uid => ({
      type: 'mail_received' as const,
      data: {
        account_id: accountId,
        folder: path,
        uid,
        uid_validity: uidValidity,
        ref: refs.encode(accountId, { folder: path, uidValidity, uid }),
        ...named(ids.get(uid), isComplete),
        ...toAnnounced(heads.get(uid)),
        at,
      },
    }))
    const next = Math.max((uids.at(-1) ?? 0) + 1, known.uidNext, isWhole ? uidNext : 0)
    // A new mailbox gets its UIDVALIDITY with its first message: until then each opening may report another.
    if (next === known.uidNext) return
    await this.#move(known, { uidValidity, uidNext: next }, facts)
    if (facts.length > 0) onArrival(at)
  }

  /** Stores the position and publishes the facts in one transaction. If another check was faster, its position wins. */
  async #move(from: FolderState | undefined, to: FolderState, facts: EventOf<'mail_received'>[]): Promise<void> {
    const { folder, states, hub } = this.#options
    this.#known = await hub.transact(async (transaction, publish) => {
      const stored = await states.find(folder, transaction)
      if (stored?.uidValidity !== from?.uidValidity || stored?.uidNext !== from?.uidNext) return stored
      await states.save(transaction, folder, to)
      facts.forEach(publish)
      return to
    })
  }
}

/**
 * Returns the valid position for a folder just opened. A lower UIDNEXT under the same UIDVALIDITY means a mailbox
 * restored from a backup: new messages get UIDs that were announced before.
 */
function follow(stored: FolderState | undefined, opened: FolderState): FolderState {
  if (!stored) return opened
  const isSame = stored.uidValidity === opened.uidValidity
  if (isSame) return opened.uidNext < stored.uidNext ? opened : stored
  return stored.uidNext === 1 ? stored : opened
}

/** @param isComplete Whether all older mail is indexed: otherwise first contacts cannot be recognised. */
function named(message: AppliedBatch['added'][number] | undefined, isComplete: boolean) {
  if (!message) return {}
  const { id, threadId, isFirstContact } = message
  return { id, thread_id: threadId, ...(isComplete && { first_contact: isFirstContact }) }
}

/** Some servers assign a mailbox's UIDVALIDITY when its first message arrives, which has UID 1. */
function isSameFolder(known: FolderState, uidValidity: number, [first = 1]: readonly number[]): boolean {
  return known.uidValidity === uidValidity || (known.uidNext === 1 && first === 1)
}

function reasonOf(failure: Error): string {
  const isLost = failure instanceof LeaseLost
  return isLost ? 'new mail is left to the process that now watches the account' : 'new mail waits for the database'
}

/**
 * Rethrows bugs: anything but a Problem, a database failure or a lost lease. A lost lease is retried until the watch is
 * stopped: it may only be late, and then no other process announces the mail.
 */
function asFailure(error: unknown): Problem | Error {
  if (error instanceof Problem || error instanceof LeaseLost) return error
  if (error instanceof Error && (isDatabaseFault(error) || databaseFaultKind(error))) return error
  throw error
}
