/** The numbers under which series are stored. */
import type { HistoryStore } from './history-store.ts'
import { isOf, type SeriesName, scaleOf } from './series.ts'

export class SeriesNumbers {
  readonly #store: HistoryStore
  readonly #ids = new Map<string, number>()
  /** Scales by number, cached, since each series of each row needs one. */
  readonly #scales = new Map<number, number>()
  /** Series recorded since the start. */
  readonly #used = new Set<number>()

  constructor(store: HistoryStore) {
    this.#store = store
  }

  async start(): Promise<void> {
    await this.refresh()
  }

  /** Reads series that other processes have added. */
  async refresh(): Promise<void> {
    for (const { id, key } of await this.#store.listSeries()) this.#know(id, key)
  }

  /** Returns the numbers of the keys; new series are inserted. */
  async idsOf(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const unknown = keys.filter(key => !this.#ids.has(key))
    if (unknown.length > 0) {
      const rows = await this.#store.transaction(transaction => this.#store.ensureSeries(transaction, unknown))
      for (const { id, key } of rows) this.#know(id, key)
    }
    const ids = new Map(keys.map(key => [key, this.#ids.get(key)!]))
    for (const id of ids.values()) this.#used.add(id)
    return ids
  }

  /** Returns all series of one name. */
  of(name: SeriesName): { id: number; key: string }[] {
    return [...this.#ids].flatMap(([key, id]) => (isOf(name, key) ? [{ id, key }] : []))
  }

  /** Returns the scale; 1 for a series that no longer exists in this version, or is unknown yet. */
  readonly scaleOf = (id: number): number => this.#scales.get(id) ?? 1

  async deleteUnused(): Promise<void> {
    await this.#store.deleteUnused(id => this.#used.has(id))
    this.#ids.clear()
    this.#scales.clear()
    await this.refresh()
  }

  #know(id: number, key: string): void {
    this.#ids.set(key, id)
    this.#scales.set(id, scaleOf(key))
  }
}
