/** Opens the connections by which one account is watched: the one of its INBOX, which may be lent, and those of chosen folders beside it. */
import { Problem } from '../platform/problem.ts'
import { type ConnectionSet, WatchingSet, type WatchLenderOptions } from './connection-set.ts'
import { type ConnectionSource, faultOf, type MeteredConnection } from './connection-source.ts'
import type { MailConnection } from './mail-gateway.ts'
import { WatchRest } from './watch-rest.ts'

export interface AccountWatchingOptions extends WatchLenderOptions {
  source: ConnectionSource
  /** Those for commands. */
  set: ConnectionSet
  /** The one of INBOX is open. */
  opened(opened: MeteredConnection): void
  /** The one of INBOX has ended. @param problem Why. */
  ended(problem: Problem | undefined): void
  /** Others may be opened in the place of one that has ended. */
  pump(): void
  /** For what nobody awaits: a fault there is ours. */
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
  /** Of chosen folders: they are the first to go. */
  readonly #beside = new Set<MailConnection>()

  constructor(options: AccountWatchingOptions) {
    this.#options = options
    this.inbox = new WatchingSet(options)
    this.rest = new WatchRest(() => [...this.inbox.atRest, ...this.#beside], options.pump)
  }

  get open(): number {
    return this.inbox.size + this.#beside.size
  }

  /** The one of INBOX, which the caller closes. Never goes through the line. */
  async openInbox(signal: AbortSignal): Promise<MailConnection> {
    const { source, set, own } = this.#options
    if (source.opener.refusal) throw source.opener.refusal
    return this.inbox
      .opening(async () => {
        // Where the server allows one connection, it is this one.
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
        // Its place is that of a command connection.
        if (faultOf(error) === 'limit' && source.refusedBeside(set.size)) set.evict()
        throw error
      })
  }

  /** @throws Problem also where the mail server is known to allow only so many: requests need those. */
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

  /** Of a chosen folder. @returns Whether there was one. */
  closeBeside(): boolean {
    const [connection] = this.#beside
    if (!connection) return false
    this.#beside.delete(connection)
    // Its watcher is told by `closed`.
    this.#options.own(connection.close())
    return true
  }

  /** Finds out now whether they still stand. */
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
