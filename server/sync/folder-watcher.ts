/** Keeps a connection in IDLE on a chosen folder, best-effort; without one the folder is compared in each round. */
import { type Backoff, backoffDelay, defaultBackoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'

export interface FolderWatcherOptions {
  accountId: string
  path: string
  pool: Pick<ConnectionPool, 'openBeside' | 'untilWorthTrying'>
  logger: Logger
  backoff?: Backoff
  /** Called when the folder changed, or may have changed while unwatched. */
  onChange(path: string): void
  /** Retry delay where the folder does not exist or the server allows no connection. */
  againMs?: number
}

/** A connection that lasted this long was healthy. */
const healthyMs = 30_000

export class FolderWatcher {
  readonly #options: FolderWatcherOptions
  #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: FolderWatcherOptions) {
    this.#options = options
  }

  start(): void {
    this.#abort = new AbortController()
    const { logger, accountId } = this.#options
    this.#running = this.#run(this.#abort.signal).catch(err =>
      logger.error({ err, account_id: accountId }, 'watching a folder failed'),
    )
  }

  /** Closes the connection. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { pool, accountId, backoff = defaultBackoff, againMs = 5 * 60_000 } = this.#options
    for (let failures = 0; !signal.aborted; failures++) {
      const began = performance.now()
      const problem = await this.#watch(signal)
      // INBOX's watcher reports such a Problem, and restarts this one.
      if (signal.aborted || (problem && isFinal(problem))) return
      if (performance.now() - began >= healthyMs) failures = 0
      const delayMs = problem && isLasting(problem) ? againMs : backoffDelay(failures, backoff)
      await pool.untilWorthTrying(accountId, delayMs, signal)
    }
  }

  /** Watches until the connection has ended; returns the cause, if known. */
  async #watch(signal: AbortSignal): Promise<Problem | undefined> {
    const { pool, accountId, path, onChange } = this.#options
    let connection: MailConnection | undefined
    const over = Promise.withResolvers<undefined>()
    const abort = () => over.resolve(undefined)
    signal.addEventListener('abort', abort, { once: true })
    try {
      connection = await pool.openBeside(accountId, signal)
      await connection.watch(path, () => onChange(path))
      onChange(path)
      return await Promise.race([connection.closed, over.promise])
    } catch (error) {
      if (!(error instanceof Problem) && !signal.aborted) throw error
      return error instanceof Problem ? error : undefined
    } finally {
      signal.removeEventListener('abort', abort)
      await connection?.close()
    }
  }
}

function isFinal({ code }: Problem): boolean {
  return ['mail_login_refused', 'account_disabled', 'account_not_found', 'draining'].includes(code)
}

function isLasting({ code, extension }: Problem): boolean {
  return extension.fault === 'limit' || ['folder_not_found', 'folder_not_selectable', 'overloaded'].includes(code)
}
