/** Opens the connections of one account under every cap: of this server, of the account, and what its mail server was found to allow. */
import type { PoolLimits } from '../../contract/settings.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { ConnectionOpener, type ConnectionOpenerOptions } from './connection-opener.ts'
import type { ConnectionSlots, Rank } from './connection-slots.ts'
import { LimitPause } from './limit-pause.ts'
import type { MailConnection } from './mail-gateway.ts'
import { PoolSize, type Watched } from './pool-size.ts'

export interface ConnectionSourceOptions extends ConnectionOpenerOptions {
  slots: ConnectionSlots
  logger: Logger
  limits(): PoolLimits
  /** How many are open now, and what of them is for watching. */
  counts(): { open: number } & Watched
  /** Begins and ends of opening change the counts. */
  onChange(): void
}

export class ConnectionSource {
  readonly opener: ConnectionOpener
  readonly #options: ConnectionSourceOptions
  readonly #size: PoolSize
  readonly #limit = new LimitPause()

  constructor(options: ConnectionSourceOptions) {
    this.#options = options
    this.opener = new ConnectionOpener(options)
    this.#size = new PoolSize(() => options.limits().connection_pool_size)
  }

  get timeoutMs(): number {
    return this.#options.limits().connection_timeout_seconds * 1000
  }

  /** Most command connections now. */
  get most(): number {
    return this.#size.most(this.#options.counts())
  }

  /** What the mail server allows, the watching connection included; undefined while it refused none. */
  get serverLimit(): number | undefined {
    return this.#size.serverLimit
  }

  /** Something was learned that must not be forgotten. */
  get hasMemory(): boolean {
    return this.opener.refusal !== undefined || this.serverLimit !== undefined || !this.#limit.isOver
  }

  /** @throws Problem why none can be had now, when none is open. */
  throwIfClosed(): void {
    if (this.opener.refusal) throw this.opener.refusal
    if (this.#options.counts().open === 0) this.#limit.throwIfPaused()
  }

  /** @param isWanted Asked when it is this one's turn. @returns Undefined when it is not wanted any more. */
  async open(rank: Rank, signal: AbortSignal, isWanted = () => true): Promise<MailConnection | undefined> {
    const { slots, counts, onChange } = this.#options
    const slot = await slots.request(rank, this.timeoutMs, signal)
    try {
      if (!isWanted()) {
        slot.release()
        return undefined
      }
      const opening = this.opener.open(this.timeoutMs, signal)
      onChange()
      const connection = await opening
      // Ends with the connection; `closed` never rejects.
      void connection.closed.then(() => slot.release())
      const { open, ...watched } = counts()
      this.#size.opened(open + 1, watched)
      this.#limit.reset()
      return connection
    } catch (error) {
      slot.release()
      throw error
    }
  }

  /**
   * The mail server refused one more beside so many.
   * @returns False when none of them was ours: other programs have the connections that it allows.
   */
  refusedBeside(open: number): boolean {
    if (open === 0) return false
    this.#size.refused(open)
    const { accountId, logger } = this.#options
    logger.warn({ account_id: accountId, connections: open }, 'mail server allows fewer connections')
    return true
  }

  /** None of ours is open, and it refuses even one. @returns What those who wait are told. */
  pause(problem: Problem): Problem {
    return this.#limit.pause(problem)
  }

  /** The login may be another one now, or its server. */
  renew(): void {
    this.opener.renew()
    this.#size.reset()
    this.#limit.reset()
  }

  /** @param hasSome Others are open and at work. */
  whyTooLate(hasSome: boolean): Problem {
    if (this.opener.connecting > 0 && !hasSome) {
      const detail = 'The mail server did not accept a connection in time.'
      return new Problem('mail_server_timeout', detail, { fault: 'timeout', part: 'imap' })
    }
    return new Problem('overloaded', 'All IMAP connections are in use; try again in a moment.', {
      retryAfterSeconds: 5,
    })
  }
}

export function faultOf(error: unknown): Problem['extension']['fault'] {
  return error instanceof Problem ? error.extension.fault : undefined
}
