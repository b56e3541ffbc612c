/** Opens the watching connections of one account: that of INBOX, which may be lent, and those of chosen folders. */
import { Problem } from '../platform/problem.ts'
import { type ConnectionSet, WatchingSet, type WatchLenderOptions } from './connection-set.ts'
import { type ConnectionSource, faultOf, type MeteredConnection } from './connection-source.ts'
import type { MailConnection } from './mail-gateway.ts'
import { WatchRest } from './watch-rest.ts'

export interface AccountWatchingOptions extends WatchLenderOptions {
  source: ConnectionSource
  /** The command connections. */
  set: ConnectionSet
  /** Called when INBOX's connection is open. */
  opened(opened: MeteredConnection): void
  /** Called when INBOX's connection has ended. @param problem The cause. */
  ended(problem: Problem | undefined): void
  /** Lets other connections take the place of one that has ended. */
  pump(): void
  /** Logs the failure of a promise that is not awaited; it is a bug of ours. */
  own(promise: Promise<unknown>): void
}

function noRoom(): Problem {
  const detail = 'The mail server allows too few connections to watch more folders.'
  return new Problem('overloaded', detail, { fault: 'limit', part: 'imap' })
}

export class AccountWatching {
  readonly inbox: WatchingSet
  readonly rest: WatchRest
  readonly #options: AccountWatchingOptions
  /** Connections of chosen folders, which are the first to be closed. */
  readonly #beside = new Set<MailConnection>()

  constructor(options: AccountWatchingOptions) {
    this.#options = options
    this.inbox = new WatchingSet(options)
    this.rest = new WatchRest(() => [...this.inbox.atRest, ...this.#beside], options.pump)
  }

  get open(): number {
    return this.inbox.size + this.#beside.size
  }

  /** Opens INBOX's connection without queueing. The caller closes it. */
  async openInbox(signal: AbortSignal): Promise<MailConnection> {
    const { source, set, own } = this.#options
    if (source.opener.refusal) throw source.opener.refusal
    return this.inbox
      .opening(async () => {
        // Where the server allows one connection, it must be this one.
        if (set.size > source.most) await set.closeIdle()
        const opened = await this.#open('watching', signal)
        const { connection } = opened
        this.#options.opened(opened)
        this.inbox.add(connection)
        own(
          connection.closed.then(problem => {
            this.inbox.remove(connection)
            this.#options.ended(problem)
          }),
        )
        return connection
      })
      .catch(error => {
        // A command connection makes room for it.
        if (faultOf(error) === 'limit' && source.refusedBeside(set.size)) set.evict()
        throw error
      })
  }

  /**
   * Opens a connection for a chosen folder. @throws Problem also where the mail server has a known limit: requests need
   * its connections.
   */
  async openBeside(signal: AbortSignal): Promise<MailConnection> {
    const { source, set, own, pump } = this.#options
    if (source.opener.refusal) throw source.opener.refusal
    if (source.serverLimit !== undefined) throw noRoom()
    const { connection, meter } = await this.#open('background', signal).catch(error => {
      if (faultOf(error) === 'limit') source.refusedBeside(set.size + this.open)
      throw error
    })
    meter.turnTo('watch')
    this.#beside.add(connection)
    own(
      connection.closed.then(() => {
        this.#beside.delete(connection)
        pump()
      }),
    )
    return connection
  }

  /** Closes a connection of a chosen folder. @returns Whether there was one. */
  closeBeside(): boolean {
    const [connection] = this.#beside
    if (!connection) return false
    this.#beside.delete(connection)
    // Its watcher learns that by `closed`.
    this.#options.own(connection.close())
    return true
  }

  /** Checks that the connections are alive. */
  check(): void {
    this.inbox.check()
    for (const connection of this.#beside) connection.check()
  }

  async #open(rank: 'watching' | 'background', signal: AbortSignal): Promise<MeteredConnection> {
    const opened = await this.#options.source.open(rank, signal)
    if (!opened) throw new Error('a connection for watching is always wanted')
    return opened
  }
}
