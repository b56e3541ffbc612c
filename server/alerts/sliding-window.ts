/**
 * Aggregates the points of a window that moves step by step. Histograms add and subtract points. Sums would accumulate
 * rounding errors that way, so they are kept in two parts, backwards and forwards from a pivot, and a window combines
 * one of each.
 */

import type { Points } from '../history/history-reader.ts'
import { BucketCounts, type Point } from '../history/point.ts'

/** The aggregate of a window. Its histogram is live: it changes as the window moves. */
export type WindowPoint = Omit<Point, 'buckets'> & { buckets?: Point['buckets'] | BucketCounts }

const nothing: WindowPoint = { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }

export class SlidingWindow {
  readonly #points: Points
  readonly #zeros: Points | undefined
  readonly #step: number
  readonly #window: number
  readonly #buckets = new BucketCounts()
  /** Sums that end at the pivot: of the whole window, of all but its oldest step, and so on. */
  #older: WindowPoint[] = []
  /** Steps since the pivot, and their sum. */
  #moved = 0
  #newer = nothing
  #at: number | undefined

  /**
   * @param window Seconds, a multiple of the step.
   * @param zeros Points for steps that have none.
   */
  constructor(points: Points, step: number, window: number, zeros?: Points) {
    this.#points = points
    this.#zeros = zeros
    this.#step = step
    this.#window = window
  }

  /**
   * Returns the aggregate of the window that ends there; fast if called one step later each time. Undefined if it is
   * empty.
   */
  pointAt(at: number): WindowPoint | undefined {
    const [step, window] = [this.#step, this.#window]
    // A window of one step equals its point.
    if (window === step) return this.#find(at - step)
    if (this.#at === undefined || at !== this.#at + step) this.#begin(at)
    else this.#move(at)
    this.#at = at
    const older = this.#older[this.#moved]!
    if (older === nothing && this.#newer === nothing) return undefined
    return { ...together(older, this.#newer), buckets: this.#buckets }
  }

  #begin(at: number): void {
    this.#buckets.clear()
    for (let place = at - this.#window; place < at; place += this.#step) this.#take(this.#points.get(place), 1)
    this.#addUp(at)
  }

  #move(at: number): void {
    const [gone, come] = [this.#points.get(at - this.#window - this.#step), this.#find(at - this.#step)]
    this.#take(gone, -1)
    this.#take(come, 1)
    this.#moved++
    if (this.#moved * this.#step === this.#window) this.#addUp(at)
    else if (come) this.#newer = together(this.#newer, come)
  }

  /** Makes this moment the pivot. */
  #addUp(at: number): void {
    const steps = this.#window / this.#step
    let all = nothing
    for (let back = 1; back <= steps; back++) {
      const point = this.#find(at - back * this.#step)
      if (point) all = together(point, all)
      this.#older[steps - back] = all
    }
    this.#moved = 0
    this.#newer = nothing
  }

  #find(place: number): Point | undefined {
    return this.#points.get(place) ?? this.#zeros?.get(place)
  }

  #take(point: Point | undefined, sign: 1 | -1): void {
    if (point?.buckets) this.#buckets.merge(point.buckets, sign)
  }
}

/** Merges two aggregates without histograms. */
function together(one: WindowPoint, other: WindowPoint): WindowPoint {
  return {
    count: one.count + other.count,
    sum: one.sum + other.sum,
    min: one.min < other.min ? one.min : other.min,
    max: one.max > other.max ? one.max : other.max,
  }
}
