/** The open command connections of one account: which work, which rest, and since when. */
import type { MailConnection } from './mail-gateway.ts'

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

  /** Gone from the set at once. Its end is awaited by whoever holds its slot. */
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

  async closeIdle(): Promise<void> {
    await Promise.all(this.idle.map(pooled => this.close(pooled)))
  }
}
