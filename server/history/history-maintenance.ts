/**
 * Stores minutes, rolls them up to longer steps, packs frames into blocks of one series each, and deletes old data.
 * Jobs derive from what is stored, so they resume after a crash; none blocks the event loop for more than a few ms.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { decodeFrame, encodeBlock, encodeFrame, type Frame } from './frame-codec.ts'
import type { HistoryStore } from './history-store.ts'
import type { BlockRow } from './history-tables.ts'
import { finerThan, type Level, levels, startOf } from './levels.ts'
import { mergeTimes, type Point } from './point.ts'
import type { Placed, RecordedMinute } from './points-codec.ts'
import type { SeriesNumbers } from './series-numbers.ts'

export interface HistoryMaintenanceOptions {
  store: HistoryStore
  numbers: SeriesNumbers
  /** The number of this process among several. */
  writer: number
}

/** Series that are packed before it yields to the event loop. */
const seriesAtOnce = 100
/** How often unused series are deleted; the first time only after everything from before the start is packed. */
const unusedEverySeconds = 24 * 3600
const firstUnusedSeconds = 2 * 3600
const forgetEverySeconds = 600
const marksKept = levels[levels.length - 1]!.kept

export class HistoryMaintenance {
  readonly #options: HistoryMaintenanceOptions
  readonly #startedAt = Math.floor(Date.now() / 1000)
  #unusedAt = 0
  #forgottenAt = 0
  /** The start of the first frame that is not rolled up yet, by step. */
  readonly #rolledUntil = new Map<number, number>()
  readonly #packedUntil = new Map<number, number>()

  constructor(options: HistoryMaintenanceOptions) {
    this.#options = options
  }

  /** Stores a minute's samples and its one-point summary of each series in one transaction: both or neither. */
  async keepMinute({ start, points }: RecordedMinute): Promise<void> {
    const { store, numbers, writer } = this.#options
    const ids = await numbers.idsOf([...points.keys()])
    const samples: Frame = new Map()
    const whole: Frame = new Map()
    for (const [key, placed] of points) {
      const id = ids.get(key)!
      samples.set(id, placed)
      whole.set(id, [[0, mergedOf(placed)]])
    }
    const rows = [
      { step: 5, frame: samples },
      { step: 60, frame: whole },
    ]
    // Merges with the frame of a server that was restarted within this minute.
    const before = await Promise.all(rows.map(({ step }) => store.findFrame({ step, start, writer })))
    const encoded = rows.map(({ step, frame }, place) => {
      const known = before[place]
      if (known) addFrame(frame, decodeFrame(known.bytes, numbers.scaleOf))
      return { step, start, writer, bytes: encodeFrame(frame, numbers.scaleOf) }
    })
    await store.transaction(async transaction => {
      for (const row of encoded) await store.putFrame(transaction, row)
    })
  }

  /** @param now Epoch seconds. */
  async maintain(now: number): Promise<void> {
    await this.#options.numbers.refresh()
    // First everything that is derived from frames, then what deletes frames.
    for (const level of levels) await this.#rollUp(level, now)
    for (const level of levels) await this.#pack(level, now)
    if (now - this.#forgottenAt >= forgetEverySeconds) {
      this.#forgottenAt = now
      for (const level of levels) await this.#forget(level, now)
      await this.#options.store.deleteMarks(now - marksKept)
    }
    await this.#deleteUnused(now)
  }

  /** Rolls up what is complete of this step from the next finer one. */
  async #rollUp(level: Level, now: number): Promise<void> {
    const { step, frame: length } = level
    const finer = finerThan(step as Parameters<typeof finerThan>[0])
    if (!finer || finer.step < 60) return
    const { store, writer } = this.#options
    const known = this.#rolledUntil.get(step) ?? (await this.#firstUnrolled(level, finer))
    if (known === undefined) return
    let start = known
    for (; start + length <= now; start += length) {
      const frame = await this.#frameOf(finer, start, length)
      if (frame.size === 0) continue
      const bytes = encodeFrame(frame, this.#options.numbers.scaleOf)
      await store.transaction(transaction => store.putFrame(transaction, { step, start, writer, bytes }))
    }
    this.#rolledUntil.set(step, start)
  }

  /** Returns undefined while there is nothing to roll up. */
  async #firstUnrolled({ step, frame: length, block: packed = 0 }: Level, finer: Level): Promise<number | undefined> {
    const { store, writer } = this.#options
    const [frames, block] = await Promise.all([store.boundsOf(step, writer), store.newestBlock(step, writer)])
    const done = Math.max(frames ? frames.newest + length : 0, block === undefined ? 0 : block + packed)
    const finerFrames = await store.boundsOf(finer.step, writer)
    // Frames are packed into blocks only after they were rolled up.
    return finerFrames ? Math.max(done, startOf(finerFrames.oldest, length)) : undefined
  }

  /** Returns all series of one longer step. */
  async #frameOf(finer: Level, start: number, length: number): Promise<Frame> {
    const { store, numbers, writer } = this.#options
    const frame: Frame = new Map()
    const merge = (series: number, points: readonly Placed[]) => {
      const known = frame.get(series)?.[0]?.[1]
      frame.set(series, [[0, mergedOf(points, known)]])
    }
    for (const row of await store.listFrames(finer.step, start, start + length, writer)) {
      for (const [series, points] of decodeFrame(row.bytes, numbers.scaleOf)) merge(series, points)
      await yieldLoop()
    }
    return frame
  }

  /** Packs frames into complete blocks. Frames stay until they are rolled up. */
  async #pack({ step, frame: length, block }: Level, now: number): Promise<void> {
    if (block === undefined) return
    const { store, numbers, writer } = this.#options
    const bounds = this.#packedUntil.has(step) ? undefined : await store.boundsOf(step, writer)
    let start = this.#packedUntil.get(step) ?? (bounds && startOf(bounds.oldest, block))
    if (start === undefined) return
    // The next step is derived from frames, so those not rolled up yet stay.
    const coarser = levels[levels.findIndex(level => level.step === step) + 1]
    const until = coarser ? Math.min(now, this.#rolledUntil.get(coarser.step) ?? 0) : now
    for (; start + block <= until; start += block) {
      const all = new Map<number, Placed[]>()
      for (const row of await store.listFrames(step, start, start + block, writer)) {
        const place = (row.start - start) / length
        for (const [series, [first]] of decodeFrame(row.bytes, numbers.scaleOf)) {
          const points = all.get(series) ?? []
          if (first) all.set(series, [...points, [place, first[1]]])
        }
        await yieldLoop()
      }
      const rows = await this.#blocksOf(all, { step, start, writer })
      const from = start
      await store.transaction(async transaction => {
        await store.putBlocks(transaction, rows)
        await store.deleteFrames(transaction, step, from, from + block, writer)
      })
    }
    this.#packedUntil.set(step, start)
  }

  async #blocksOf(all: Map<number, Placed[]>, of: Omit<BlockRow, 'series' | 'bytes'>): Promise<BlockRow[]> {
    const rows: BlockRow[] = []
    for (const [series, points] of all) {
      rows.push({ ...of, series, bytes: encodeBlock(points, this.#options.numbers.scaleOf(series)) })
      if (rows.length % seriesAtOnce === 0) await yieldLoop()
    }
    return rows
  }

  async #forget({ step, kept, frame, block }: Level, now: number): Promise<void> {
    const { store, writer } = this.#options
    await store.transaction(async transaction => {
      await store.deleteFrames(transaction, step, 0, startOf(now - kept, frame), writer)
      // Frames of dead processes; a slow one has that long to roll them up itself.
      await store.deleteFrames(transaction, step, 0, startOf(now - 2 * kept, frame))
    })
    if (block !== undefined) await store.deleteBlocks(step, startOf(now - kept, block))
  }

  async #deleteUnused(now: number): Promise<void> {
    if (now - this.#startedAt < firstUnusedSeconds || now - this.#unusedAt < unusedEverySeconds) return
    this.#unusedAt = now
    await this.#options.numbers.deleteUnused(now)
  }
}

function mergedOf(points: readonly Placed[], known?: Point): Point {
  let merged = known
  for (const [, point] of points) merged = mergeTimes(merged, point)
  return merged!
}

/** Merges another frame, in different places or the same. */
function addFrame(into: Frame, other: Frame): void {
  for (const [series, points] of other) {
    const all = new Map<number, Point>()
    for (const [place, point] of [...points, ...(into.get(series) ?? [])])
      all.set(place, mergeTimes(all.get(place), point))
    into.set(
      series,
      [...all].sort(([one], [another]) => one - another),
    )
  }
}
