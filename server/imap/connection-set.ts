/** The open connections of one account: those for commands, which work or rest, and the one that watches. */
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

/** As many as the pool's size allows. */
export class ConnectionSet {
  readonly #idleMs: number
  readonly #pooled = new Set<PooledConnection>()

  /** @param idleMs A connection at rest for so long is closed. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  get size(): number {
    return this.#pooled.size
  }

  get busy(): MailConnection[] {
    return [...this.#pooled].filter(pooled => pooled.isBusy).map(({ connection }) => connection)
  }

  /** Longest at rest first. */
  get idle(): PooledConnection[] {
    return [...this.#pooled].filter(pooled => !pooled.isBusy).sort((a, b) => a.idleSince - b.idleSince)
  }

  /**
   * One at rest that has the folder open; else one that has none open; else the one that rested longest, so that folders in use stay open.
   * Without a folder, the one that rested shortest: the others may end.
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

  /** Gone from the set at once. Its end is awaited by the holder of its slot. */
  close(pooled: PooledConnection): Promise<void> {
    this.remove(pooled)
    return pooled.connection.close()
  }

  remove(pooled: PooledConnection): void {
    clearTimeout(pooled.idleTimer)
    this.#pooled.delete(pooled)
  }

  /** Those at work get `graceMs` to finish. */
  async end(graceMs: number): Promise<void> {
    await this.closeIdle()
    const { busy } = this
    const timer = setTimeout(() => busy.forEach(connection => void connection.close()), graceMs)
    await Promise.all(busy.map(connection => connection.closed))
    clearTimeout(timer)
  }

  /** Closes the one that rested longest. @returns Whether there was one. */
  evict(): boolean {
    const [pooled] = this.idle
    // Never rejects, as above.
    if (pooled) void this.close(pooled)
    return pooled !== undefined
  }

  async closeIdle(): Promise<void> {
    await Promise.all(this.idle.map(pooled => this.close(pooled)))
  }
}

/**
 * The open watching connections of one account: one, but while it is replaced. Lends it where its mail server leaves
 * no other.
 */
export class WatchingSet {
  readonly #connections = new Set<MailConnection>()
  readonly #lender: WatchLender
  /** Until it is not watched any more. */
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

  /** One that is about to come: what is had of the server leaves room for it meanwhile. */
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

  /** Finds out now whether it still stands. */
  check(): void {
    for (const connection of this.#connections) connection.check()
  }

  /** None while it is lent. */
  get atRest(): Iterable<MailConnection> {
    return this.#lender.isBusy ? [] : this.#connections
  }

  /** Resolves when nobody wants it any more; at once when it cannot be lent now. */
  async lend(): Promise<void> {
    const [connection] = this.#connections
    if (connection?.isWatching) await this.#lender.lend(connection)
  }

  /** Resolves when they have ended; their watchers are told so. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections].map(connection => connection.close()))
  }

  /** @returns Whether it was lent from here. */
  giveBack(pooled: PooledConnection): boolean {
    return this.#lender.giveBack(pooled)
  }

  closeOne(): boolean {
    const [connection] = this.#connections
    // Never rejects; its end is awaited by the holder of its slot.
    void connection?.close()
    return connection !== undefined
  }
}

/** Requests in a row, before the server is asked for new mail again. */
const maxInRow = 8

export interface WatchLenderOptions {
  /** Whether anyone waits for a connection that cannot be had in another way. */
  isWanted(): boolean
  /** Gives it to the first who waits, who gives it back with `giveBack`. */
  serve(pooled: PooledConnection): void
}

/**
 * Lends the watching connection of an account whose mail server leaves no other: out of IDLE, some requests, and back
 * into IDLE.
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

  /** Resolves when nobody wants it any more, or it has ended. */
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
      // It has ended, which its watcher is told by `closed`. Those who wait are served by the next one.
    } finally {
      this.#isLending = false
    }
  }

  /** @returns Whether it was this one's to give back. */
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
