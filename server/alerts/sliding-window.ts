/** What the points of a window are together, while the window moves on step by step: histograms take in what comes and give back what goes. */
import { addTo, type Buckets } from '../history/histogram.ts'
import type { Points } from '../history/history-reader.ts'
import type { Point } from '../history/point.ts'

export class SlidingWindow {
  readonly #points: Points
  readonly #step: number
  readonly #window: number
  readonly #buckets: Buckets = new Map()
  #at: number | undefined

  /** @param window Seconds, a multiple of the step. */
  constructor(points: Points, step: number, window: number) {
    this.#points = points
    this.#step = step
    this.#window = window
  }

  /** Of the window that ends there; each time one step later. Undefined where it holds nothing. */
  pointAt(at: number): Point | undefined {
    // A window of one step is its point.
    if (this.#window === this.#step) return this.#points.get(at - this.#step)
    const isNext = this.#at !== undefined && at === this.#at + this.#step
    const first = at - this.#window
    if (isNext) this.#take(first - this.#step, -1)
    this.#at = at
    let point: Point | undefined
    for (let place = first; place < at; place += this.#step) {
      const one = this.#points.get(place)
      if (!one) continue
      point ??= { count: 0, sum: 0, min: one.min, max: one.max, buckets: this.#buckets }
      // Sums are made again each time: what is taken in and given back would leave a rest.
      point.count += one.count
      point.sum += one.sum
      point.min = Math.min(point.min, one.min)
      point.max = Math.max(point.max, one.max)
      if (!isNext || place === at - this.#step) this.#take(place, 1)
    }
    return point
  }

  #take(place: number, sign: 1 | -1): void {
    for (const [bucket, count] of this.#points.get(place)?.buckets ?? []) {
      addTo(this.#buckets, bucket, sign * count)
      if (this.#buckets.get(bucket) === 0) this.#buckets.delete(bucket)
    }
  }
}
