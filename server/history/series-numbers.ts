/** The numbers under which series are stored. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { seriesIn } from './frame-codec.ts'
import type { HistoryStore } from './history-store.ts'
import { levels } from './levels.ts'
import { isOf, type SeriesName, scaleOf } from './series.ts'

export class SeriesNumbers {
  readonly #store: HistoryStore
  readonly #ids = new Map<string, number>()
  /** Scales by number, cached, since each series of each row needs one. */
  readonly #scales = new Map<number, number>()
  /** Series recorded since the start. */
  readonly #used = new Set<number>()
  #highest = 0

  constructor(store: HistoryStore) {
    this.#store = store
  }

  async start(): Promise<void> {
    await this.refresh()
  }

  /** Reads series that other processes have added; numbers only increase. */
  async refresh(): Promise<void> {
    for (const { id, key } of await this.#store.listSeries(this.#highest)) this.#know(id, key)
  }

  /** Returns the numbers of the keys; new series are inserted. */
  async idsOf(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    // One that was not recorded since the start may have been deleted by another process.
    const unknown = keys.filter(key => !this.#used.has(this.#ids.get(key) ?? 0))
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

  /** @param now Epoch seconds. */
  async deleteUnused(now: number): Promise<void> {
    const stored = new Set<number>()
    // Other processes record series that are not packed yet. Frames of 5 s contain the same ones as those of a minute.
    for (const { step } of levels.slice(1)) {
      for (const { bytes } of await this.#store.listFrames(step, 0, now)) {
        for (const id of seriesIn(bytes)) stored.add(id)
        await yieldLoop()
      }
    }
    await this.#store.deleteUnused(id => this.#used.has(id) || stored.has(id))
    const rows = await this.#store.listSeries()
    // Replaced in one turn, since a read may begin in any.
    this.#ids.clear()
    this.#scales.clear()
    for (const { id, key } of rows) this.#know(id, key)
  }

  #know(id: number, key: string): void {
    this.#highest = Math.max(this.#highest, id)
    this.#ids.set(key, id)
    this.#scales.set(id, scaleOf(key))
  }
}
