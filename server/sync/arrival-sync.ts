/** Finds what is new in a watched folder since the last look, and publishes each message once, in order. */
import { setTimeout as wait } from 'node:timers/promises'
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { Arrivals, MailConnection, MessageHead } from '../imap/mail-gateway.ts'
import { toAnnounced } from '../imap/message-bounds.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'

export interface ArrivalSyncOptions {
  accountId: string
  folder: string
  pool: ConnectionPool
  hub: Pick<EventHub, 'publish'>
  refs: Pick<MessageRefs, 'encode'>
  logger: Logger
  backoff: Backoff
  /** Hears why a look failed (it is tried again), and with undefined that one went well. Ends the trying with `stop`. */
  onLook(problem: Problem | undefined): 'go on' | 'stop'
  onArrival(at: string): void
}

type FolderState = Pick<Arrivals, 'uidValidity' | 'uidNext'>

type Heads = ReadonlyMap<number, MessageHead>

/** Asked for at once; more come with the next look. */
const batchSize = 500
/** Of so many of them, the newest, subject and sender are fetched: a flood is announced without. */
const headsOfBatch = 100

export class ArrivalSync {
  readonly #options: ArrivalSyncOptions
  /** What has been announced: everything below `uidNext`. */
  #known: FolderState | undefined
  #isDue = false
  /** Whose look is under way; one of an ended watch may still hang, and does nothing more when it comes back. */
  #runningFor: AbortSignal | undefined

  constructor(options: ArrivalSyncOptions) {
    this.#options = options
  }

  /** What is there the first time is not new. What came since is, also while there was no connection. */
  begin(state: FolderState, signal: AbortSignal): void {
    const wasEmpty = this.#known?.uidNext === 1
    if (!this.#known || (this.#known.uidValidity !== state.uidValidity && !wasEmpty)) {
      this.#known = state
      return
    }
    if (state.uidNext > this.#known.uidNext) this.look(signal)
  }

  /** Soon, once, however often it is called meanwhile. */
  look(signal: AbortSignal): void {
    this.#isDue = true
    if (this.#runningFor === signal) return
    this.#runningFor = signal
    const { accountId, logger } = this.#options
    this.#run(signal)
      .catch(err => logger.error({ err, account_id: accountId }, 'looking for new mail failed'))
      .finally(() => {
        if (this.#runningFor !== signal) return
        this.#runningFor = undefined
        // Asked for between the last look and here.
        if (this.#isDue && !signal.aborted) this.look(signal)
      })
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; this.#isDue && !signal.aborted; ) {
      this.#isDue = false
      const problem = await this.#lookOnce(signal).then(() => undefined, asProblem)
      if (signal.aborted) return
      if (this.#options.onLook(problem) === 'stop') return
      if (!problem) {
        failures = 0
        continue
      }
      this.#isDue = true
      // An abort ends the wait and then the loop.
      await wait(backoffDelay(failures++, this.#options.backoff), undefined, { signal }).catch(() => undefined)
    }
  }

  async #lookOnce(signal: AbortSignal): Promise<void> {
    const { accountId, folder, pool } = this.#options
    for (let isWhole = false; !isWhole && this.#known; ) {
      const from = this.#known.uidNext
      const look = async (connection: MailConnection) => {
        const arrivals = await connection.listArrivals(folder, from, batchSize)
        return { arrivals, heads: await this.#headsOf(connection, arrivals) }
      }
      const { arrivals, heads } = await pool.run(accountId, 'watch', look, signal, folder)
      if (signal.aborted) return
      isWhole = arrivals.uids.length < batchSize
      this.#announce(arrivals, heads, isWhole)
    }
  }

  /** Mail is announced in any case: what the server does not say of it, the fact does not say either. */
  async #headsOf(connection: MailConnection, { uidValidity, uids }: Arrivals): Promise<Heads> {
    if (uids.length === 0 || !this.#isSameFolder(uidValidity, uids)) return new Map()
    const { accountId, folder, logger } = this.#options
    return connection.listHeads(folder, uids.slice(-headsOfBatch)).catch((error: unknown) => {
      const { code } = asProblem(error)
      logger.warn({ account_id: accountId, folder, code }, 'new mail is announced without subject and sender')
      return new Map()
    })
  }

  #announce({ uidValidity, uidNext, uids }: Arrivals, heads: Heads, isWhole: boolean): void {
    const { accountId, folder, hub, refs, logger } = this.#options
    if (!this.#isSameFolder(uidValidity, uids)) {
      logger.warn({ account_id: accountId, folder }, 'the folder was recreated: what it holds is not announced')
      this.#known = { uidValidity, uidNext }
      return
    }
    for (const uid of uids) {
      const at = new Date().toISOString()
      this.#known = { uidValidity, uidNext: uid + 1 }
      this.#options.onArrival(at)
      hub.publish({
        type: 'mail_received',
        data: {
          account_id: accountId,
          folder,
          uid,
          uid_validity: uidValidity,
          ref: refs.encode(accountId, { folder, uidValidity, uid }),
          ...toAnnounced(heads.get(uid)),
          at,
        },
      })
    }
    if (isWhole) this.#known = { uidValidity, uidNext: Math.max(uidNext, this.#known?.uidNext ?? 1) }
  }

  /** Some servers decide on the UIDVALIDITY of a new mailbox when its first message comes, which has the UID 1. */
  #isSameFolder(uidValidity: number, [first = 1]: readonly number[]): boolean {
    return this.#known?.uidValidity === uidValidity || (this.#known?.uidNext === 1 && first === 1)
  }
}

/** What is no Problem is a bug, and flies. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  throw error
}
