/** The open connections of one account: command connections, busy or idle, and the watching one. */
import type { MailConnection } from './mail-gateway.ts'
import type { Watched } from './server-limit.ts'

export interface PooledConnection {
  readonly connection: MailConnection
  /** Connections of an older generation are not lent again. */
  readonly generation: number
  isBusy: boolean
  idleSince: number
  idleTimer: NodeJS.Timeout | undefined
}

/** The command connections; the pool size bounds them. */
export class ConnectionSet {
  readonly #idleMs: number
  readonly #pooled = new Set<PooledConnection>()

  /** @param idleMs Idle time after which a connection is closed. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  get size(): number {
    return this.#pooled.size
  }

  get busy(): MailConnection[] {
    return [...this.#pooled].filter(pooled => pooled.isBusy).map(({ connection }) => connection)
  }

  /** Idle connections, the longest idle first. */
  get idle(): PooledConnection[] {
    return [...this.#pooled].filter(pooled => !pooled.isBusy).sort((a, b) => a.idleSince - b.idleSince)
  }

  /**
   * Prefers an idle connection that has the folder open, then one without a folder, then the longest idle. Without a
   * folder returns the most recently used, so that the others can time out.
   */
  chooseFor(folder: string | undefined): PooledConnection | undefined {
    const { idle } = this
    if (folder === undefined) return idle.at(-1)
    const openTo = (wanted: string | undefined) => idle.findLast(({ connection }) => connection.openFolder === wanted)
    return openTo(folder) ?? openTo(undefined) ?? idle[0]
  }

  has(pooled: PooledConnection): boolean {
    return this.#pooled.has(pooled)
  }

  add(connection: MailConnection, generation: number): PooledConnection {
    const pooled = { connection, generation, isBusy: false, idleSince: 0, idleTimer: undefined }
    this.#pooled.add(pooled)
    return pooled
  }

  lend(pooled: PooledConnection): void {
    clearTimeout(pooled.idleTimer)
    pooled.isBusy = true
  }

  rest(pooled: PooledConnection): void {
    pooled.isBusy = false
    pooled.idleSince = performance.now()
    clearTimeout(pooled.idleTimer)
    pooled.idleTimer = setTimeout(() => this.close(pooled), this.#idleMs).unref()
  }

  /** Removes the connection immediately. The holder of its slot awaits its end. */
  close(pooled: PooledConnection): Promise<void> {
    this.remove(pooled)
    return pooled.connection.close()
  }

  remove(pooled: PooledConnection): void {
    clearTimeout(pooled.idleTimer)
    this.#pooled.delete(pooled)
  }

  /** Closes idle connections now, and busy ones after at most `graceMs`. */
  async end(graceMs: number): Promise<void> {
    await this.closeIdle()
    const { busy } = this
    const timer = setTimeout(() => busy.forEach(connection => void connection.close()), graceMs)
    await Promise.all(busy.map(connection => connection.closed))
    clearTimeout(timer)
  }

  /** Closes the longest idle connection. @returns Whether there was one. */
  evict(): boolean {
    const [pooled] = this.idle
    // Never rejects, see `close`.
    if (pooled) void this.close(pooled)
    return pooled !== undefined
  }

  async closeIdle(): Promise<void> {
    await Promise.all(this.idle.map(pooled => this.close(pooled)))
  }
}

/**
 * The open watching connections of one account: one, except during replacement. Lends it where the mail server allows
 * no other.
 */
export class WatchingSet {
  readonly #connections = new Set<MailConnection>()
  readonly #lender: WatchLender
  /** True from the first `opening` until `forgetWatching`. */
  #isWatched = false
  #opening = 0

  constructor(lending: WatchLenderOptions) {
    this.#lender = new WatchLender(lending)
  }

  get size(): number {
    return this.#connections.size
  }

  get isWatched(): boolean {
    return this.#isWatched
  }

  get watched(): Watched {
    return { isWatched: this.#isWatched, watching: Math.min(1, this.size + this.#opening) }
  }

  /** Reserves room for a watching connection while it is being opened. */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    this.#isWatched = true
    this.#opening++
    try {
      return await open()
    } finally {
      this.#opening--
    }
  }

  add(connection: MailConnection): void {
    this.#connections.add(connection)
  }

  remove(connection: MailConnection): void {
    this.#connections.delete(connection)
  }

  forgetWatching(): void {
    this.#isWatched = false
  }

  /** Checks that the connections are alive. */
  check(): void {
    for (const connection of this.#connections) connection.check()
  }

  /** The watching connections; empty while they are lent to requests. */
  get atRest(): Iterable<MailConnection> {
    return this.#lender.isBusy ? [] : this.#connections
  }

  /** Resolves when no request wants the connection any more; immediately when it cannot be lent now. */
  async lend(): Promise<void> {
    const [connection] = this.#connections
    if (connection?.isWatching) await this.#lender.lend(connection)
  }

  /** Resolves when all have ended; their watchers learn that by `closed`. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections].map(connection => connection.close()))
  }

  /** @returns Whether the connection was lent from here. */
  giveBack(pooled: PooledConnection): boolean {
    return this.#lender.giveBack(pooled)
  }

  closeOne(): boolean {
    const [connection] = this.#connections
    // Never rejects; the holder of its slot awaits its end.
    void connection?.close()
    return connection !== undefined
  }
}

/** Consecutive requests served before the connection returns to IDLE to check for new mail. */
const maxInRow = 8

export interface WatchLenderOptions {
  /** True while a request waits for a connection that cannot be opened otherwise. */
  isWanted(): boolean
  /** Assigns the connection to the first waiting request, which returns it with `giveBack`. */
  serve(pooled: PooledConnection): void
}

/**
 * Lends the watching connection where the mail server allows no other: leaves IDLE, serves requests, re-enters IDLE.
 */
class WatchLender {
  readonly #options: WatchLenderOptions
  #lent: { pooled: PooledConnection; back: PromiseWithResolvers<void> } | undefined
  #isLending = false

  constructor(options: WatchLenderOptions) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.#isLending
  }

  /** Resolves when no request wants the connection any more, or it has ended. */
  async lend(connection: MailConnection): Promise<void> {
    if (this.#isLending) return
    this.#isLending = true
    let isOpen = true
    connection.closed.then(() => {
      isOpen = false
    })
    try {
      while (isOpen && this.#options.isWanted()) {
        await connection.pause()
        for (let turn = 0; isOpen && turn < maxInRow && this.#options.isWanted(); turn++) await this.#serve(connection)
        await connection.resume()
      }
    } catch {
      // The connection has ended, which its watcher learns by `closed`. The next one serves the waiting requests.
    } finally {
      this.#isLending = false
    }
  }

  /** @returns Whether the connection was lent by this lender. */
  giveBack(pooled: PooledConnection): boolean {
    if (this.#lent?.pooled !== pooled) return false
    this.#lent.back.resolve()
    return true
  }

  async #serve(connection: MailConnection): Promise<void> {
    const pooled = { connection, generation: 0, isBusy: true, idleSince: 0, idleTimer: undefined }
    const back = Promise.withResolvers<void>()
    this.#lent = { pooled, back }
    this.#options.serve(pooled)
    await back.promise
    this.#lent = undefined
  }
}
