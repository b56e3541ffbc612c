/**
 * What the points of a window are together, while the window moves on step by step. Histograms take in what comes and give back what goes. Sums that did so
 * would leave a rest: they are added up once from a moment back to each older step, and once from it on, and a window is one of each.
 */

import type { Points } from '../history/history-reader.ts'
import { BucketCounts, type Point } from '../history/point.ts'

/** Its histogram is that of the window as it is now. */
export type WindowPoint = Omit<Point, 'buckets'> & { buckets?: Point['buckets'] | BucketCounts }

const nothing: WindowPoint = { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }

export class SlidingWindow {
  readonly #points: Points
  readonly #zeros: Points | undefined
  readonly #step: number
  readonly #window: number
  readonly #buckets = new BucketCounts()
  /** Up to the moment: of the whole window, of all but its oldest step, … */
  #older: WindowPoint[] = []
  /** Steps since the moment, and what they are together. */
  #moved = 0
  #newer = nothing
  #at: number | undefined

  /** @param window Seconds, a multiple of the step. @param zeros Where a step without a point has one. */
  constructor(points: Points, step: number, window: number, zeros?: Points) {
    this.#points = points
    this.#zeros = zeros
    this.#step = step
    this.#window = window
  }

  /** Of the window that ends there; each time one step later. Undefined where it holds nothing. */
  pointAt(at: number): WindowPoint | undefined {
    const [step, window] = [this.#step, this.#window]
    // A window of one step is its point.
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

  /** From this moment back. */
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

/** Without histograms. */
function together(one: WindowPoint, other: WindowPoint): WindowPoint {
  return {
    count: one.count + other.count,
    sum: one.sum + other.sum,
    min: one.min < other.min ? one.min : other.min,
    max: one.max > other.max ? one.max : other.max,
  }
}
