/** Reads series: stored steps, and after them what is not rolled up yet, from finer steps and from memory. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { decodeBlock, decodeFrame } from './frame-codec.ts'
import type { HistoryStore } from './history-store.ts'
import { finerThan, type Level, levelOf, type Step, startOf } from './levels.ts'
import { addSeries, copyOf, mergeTimes, type Point } from './point.ts'
import type { RecordedMinute } from './points-codec.ts'
import { type Labels, labelsIn, type SeriesName, series } from './series.ts'
import type { SeriesNumbers } from './series-numbers.ts'

/** Points by the start of their step, in epoch seconds. */
export type Points = Map<number, Point>

export interface SeriesQuery {
  name: SeriesName
  step: Step
  /** Epoch seconds; the range contains the starts of whole steps. */
  from: number
  until: number
  /** Filters the rows. */
  where(labels: Labels): boolean
  /** Returns the group of a row; rows of one group are merged into one series. */
  groupOf(labels: Labels): string
  /** False to omit zero points of counts where nothing was counted. */
  hasZeros?: boolean
}

/** One read of the rows of one name. */
interface Look extends Pick<SeriesQuery, 'name' | 'step' | 'from' | 'until' | 'where'> {
  /** Rows by key. */
  rows: Map<string, Points>
  recent: readonly RecordedMinute[]
}

export interface HistoryReaderOptions {
  store: HistoryStore
  numbers: SeriesNumbers
  /** Minutes that are not stored yet. */
  recent(): readonly RecordedMinute[]
  /** Epoch seconds. */
  now(): number
}

/** Milliseconds of work before it yields to the event loop. */
const pieceMs = 2
/** Blocks per query, since each result is decoded in one piece. */
const blocksAtOnce = 300

export class HistoryReader {
  readonly #options: HistoryReaderOptions

  constructor(options: HistoryReaderOptions) {
    this.#options = options
  }

  /** Returns groups in order of time. By default, counts are zero where the server ran and nothing was counted. */
  async read(query: SeriesQuery): Promise<Map<string, Points>> {
    const { kind } = series[query.name]
    const rows = await this.#rows(query)
    const groups = new Map<string, Points>()
    const pause = pauses()
    const pauseInPoints = pauses(64)
    for (const [key, points] of rows) {
      const group = query.groupOf(labelsIn(key).labels)
      const into = groups.get(group)
      // The rows belong to this read only, so the first needs no copy.
      if (!into) {
        groups.set(group, points)
        continue
      }
      for (const [at, point] of points) {
        const known = into.get(at)
        into.set(at, known ? addSeries(known, point, kind) : point)
        const paused = pauseInPoints()
        if (paused) await paused
      }
    }
    const { hasZeros = true } = query
    const ran = kind === 'count' && groups.size > 0 && hasZeros ? zerosOf(await this.#ran(query)) : undefined
    for (const [group, points] of groups) {
      groups.set(group, inOrder(ran ? withZeros(points, ran) : points))
      const paused = pause()
      if (paused) await paused
    }
    return groups
  }

  /** Returns when the server ran, in order. */
  async #ran({ step, from, until }: SeriesQuery): Promise<Points> {
    const up = { name: 'up', step, from, until, where: () => true } as const
    const [ran] = (await this.#rows(up)).values()
    return inOrder(ran ?? new Map())
  }

  #idsOf({ name, where }: Pick<SeriesQuery, 'name' | 'where'>): Map<number, string> {
    const wanted = this.#options.numbers.of(name).filter(({ key }) => where(labelsIn(key).labels))
    return new Map(wanted.map(({ id, key }) => [id, key]))
  }

  /** Returns the rows by key. */
  async #rows(query: Pick<SeriesQuery, 'name' | 'step' | 'from' | 'until' | 'where'>) {
    const rows = new Map<string, Points>()
    // Taken before the database is read, so that a minute stored meanwhile is found in one of the two.
    const recent = this.#options.recent()
    await this.#stored({ ...query, rows, recent }, levelOf(query.step), query.from)
    return rows
  }

  /** @param from The start of what is not in coarser steps. */
  async #stored(look: Look, level: Level, from: number): Promise<void> {
    const { store, numbers, now } = this.#options
    const { rows, ...query } = look
    const { step, frame: length, block } = level
    const add = (key: string | undefined, at: number, point: Point) => {
      if (key === undefined) return
      const place = startOf(at, query.step)
      if (place < query.from || place >= query.until) return
      const held = rows.get(key)
      const points = held ?? new Map<number, Point>()
      if (!held) rows.set(key, points)
      const known = points.get(place)
      points.set(place, known ? mergeTimes(known, point) : point)
    }
    // Frames that are over, but perhaps not rolled up yet, are read from the finer step.
    let tail = step > 60 ? Math.max(from, startOf(now(), length) - length) : from
    const pause = pauses()
    // Read before the blocks: what is packed in between is found in both, and counted in its block.
    const frames = await store.listFrames(step, startOf(from, length), query.until)
    // Includes series that first appeared in a minute stored meanwhile.
    const ids = this.#idsOf(query)
    // Per series, since packing may happen between the blocks of two of them.
    const packed = new Map<string, Set<number>>()
    const pauseInBlocks = pauses(4)
    if (block !== undefined) {
      for await (const blocks of this.#blocks(
        [...ids.keys()].sort((one, other) => one - other),
        level,
        startOf(from, block),
        query.until,
      )) {
        for (const { series: id, start, writer, bytes } of blocks) {
          tail = Math.max(tail, start + block)
          const place = `${writer} ${start}`
          packed.set(place, (packed.get(place) ?? new Set()).add(id))
          for (const [offset, point] of decodeBlock(bytes, numbers.scaleOf(id))) {
            const at = start + offset * step
            if (at >= from) add(ids.get(id), at, point)
          }
          const paused = pauseInBlocks()
          if (paused) await paused
        }
      }
    }
    const wanted = new Set(ids.keys())
    for (const { start, writer, bytes } of frames) {
      tail = Math.max(tail, start + length)
      const inBlock = block === undefined ? undefined : packed.get(`${writer} ${startOf(start, block)}`)
      if (inBlock?.size === wanted.size) continue
      for (const [id, points] of decodeFrame(bytes, numbers.scaleOf, wanted)) {
        if (inBlock?.has(id)) continue
        for (const [place, point] of points) {
          const at = start + place * step
          if (at >= from) add(ids.get(id), at, point)
        }
      }
      await pause()
    }
    if (tail >= query.until) return
    const finer = finerThan(step as Step)
    if (finer && finer.step >= 60) return this.#stored(look, finer, tail)
    fromMemory(look, tail, add)
  }

  /** Yields blocks in batches; the next query runs while the last batch is decoded. */
  async *#blocks(ids: readonly number[], { step, block }: Level, from: number, until: number) {
    const { store } = this.#options
    const seriesAtOnce = Math.max(1, Math.floor((blocksAtOnce * block!) / (until - from + block!)))
    const get = (first: number) => {
      const blocks = store.listBlocks(ids.slice(first, first + seriesAtOnce), step, from, until)
      // This promise is never awaited if an earlier read failed.
      blocks.catch(() => undefined)
      return blocks
    }
    let next = get(0)
    for (let first = seriesAtOnce; ; first += seriesAtOnce) {
      const blocks = await next
      if (first < ids.length) next = get(first)
      yield blocks
      if (first >= ids.length) return
    }
  }
}

/** Returns a function to call often, which yields to the event loop when its time is up. */
function pauses(every = 1): () => Promise<void> | undefined {
  let began = performance.now()
  let calls = 0
  return () => {
    if (++calls % every > 0 || performance.now() - began < pieceMs) return undefined
    return yieldLoop().then(() => {
      began = performance.now()
    })
  }
}

function fromMemory(
  { name, where, recent }: Look,
  from: number,
  add: (key: string, at: number, point: Point) => void,
): void {
  for (const { start, points } of recent) {
    // A range may begin within a minute, whereas stored data ends with one.
    if (start + 60 <= from) continue
    for (const [key, placed] of points) {
      const known = labelsIn(key)
      if (known.name !== name || !where(known.labels)) continue
      for (const [place, point] of placed) add(key, start + place * 5, copyOf(point))
    }
  }
}

/** @param ran When the server ran: the series `up`. */
export function zerosOf(ran: Points): Points {
  return new Map(Array.from(ran, ([at, { count }]) => [at, { count, sum: 0, min: 0, max: 0 }]))
}

/** Adds a zero, shared by all groups, for steps in which the server ran and nothing was counted; keeps the order. */
function withZeros(points: Points, zeros: Points): Points {
  const filled: Points = new Map()
  let found = 0
  for (const [at, zero] of zeros) {
    const point = points.get(at)
    if (!point) filled.set(at, zero)
    else {
      found++
      // In some of the samples nothing was counted.
      filled.set(at, point.count < zero.count ? { ...point, count: zero.count, min: 0 } : point)
    }
  }
  if (found < points.size) for (const [at, point] of points) if (!filled.has(at)) filled.set(at, point)
  return filled
}

function inOrder(points: Points): Points {
  let before = Number.NEGATIVE_INFINITY
  let isSorted = true
  for (const at of points.keys()) {
    if (at < before) isSorted = false
    before = at
  }
  if (isSorted) return points
  return new Map([...points].sort(([one], [another]) => one - another))
}
