/** Aggregates the requests that finished in the last 60 s: O(1) per request, in constant memory. */

export interface WindowReading {
  count: number
  /** The number of failed ones. */
  failed: number
  /** 0 if there were none, like the percentiles. */
  averageMs: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
}

const seconds = 60
/**
 * Each step of the scale is 10 % above the previous one, so its middle is at most 4.8 % off (DDSketch,
 * https://arxiv.org/abs/1908.10693). Times beyond either end count as that end.
 */
const growth = 1.1
const lowestMs = 0.01
const highestMs = 3_600_000
const logGrowth = Math.log(growth)
const steps = Math.ceil(Math.log(highestMs / lowestMs) / logGrowth) + 1

/** Sixty slots of one second each: the current second and the 59 before it. */
export class RequestWindow {
  readonly #counts = new Uint32Array(seconds)
  readonly #failures = new Uint32Array(seconds)
  /** Whole microseconds, so that adding and subtracting leaves no rounding error. */
  readonly #sumsUs = new Float64Array(seconds)
  readonly #scales = Array.from({ length: seconds }, () => new Uint32Array(steps))
  readonly #scale = new Uint32Array(steps)
  #count = 0
  #failed = 0
  #sumUs = 0
  #second = 0

  /** @param now Milliseconds of a monotonic clock. */
  record(durationMs: number, now: number, isFailure = false): void {
    this.#advance(now)
    const ms = durationMs > 0 ? Math.min(durationMs, highestMs) : 0
    const us = Math.round(ms * 1000)
    const slot = this.#second % seconds
    const step = stepOf(ms)
    this.#counts[slot]! += 1
    this.#sumsUs[slot]! += us
    this.#scales[slot]![step]! += 1
    this.#scale[step]! += 1
    this.#count += 1
    if (isFailure) {
      this.#failures[slot]! += 1
      this.#failed += 1
    }
    this.#sumUs += us
  }

  read(now: number): WindowReading {
    this.#advance(now)
    if (this.#count === 0) return { count: 0, failed: 0, averageMs: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 }
    return {
      count: this.#count,
      failed: this.#failed,
      averageMs: round(this.#sumUs / this.#count / 1000),
      p50Ms: this.#percentile(0.5),
      p95Ms: this.#percentile(0.95),
      p99Ms: this.#percentile(0.99),
    }
  }

  /** Clears the slots of elapsed seconds: at most sixty, however long it was quiet. */
  #advance(now: number): void {
    const second = Math.floor(now / 1000)
    if (second <= this.#second) return
    const first = Math.max(this.#second + 1, second - seconds + 1)
    for (let passed = first; passed <= second; passed++) this.#clear(passed % seconds)
    this.#second = second
  }

  #clear(slot: number): void {
    if (this.#counts[slot] === 0) return
    const scale = this.#scales[slot]!
    for (let step = 0; step < steps; step++) this.#scale[step]! -= scale[step]!
    scale.fill(0)
    this.#count -= this.#counts[slot]!
    this.#failed -= this.#failures[slot]!
    this.#failures[slot] = 0
    this.#sumUs -= this.#sumsUs[slot]!
    this.#counts[slot] = 0
    this.#sumsUs[slot] = 0
  }

  /** Returns the nearest-rank percentile: the time that this share of the requests did not exceed. */
  #percentile(share: number): number {
    let left = Math.ceil(share * this.#count)
    let step = -1
    while (left > 0 && step < steps - 1) left -= this.#scale[++step]!
    return round((lowestMs * growth ** step * 2) / (growth + 1))
  }
}

function stepOf(ms: number): number {
  return ms <= lowestMs ? 0 : Math.min(steps - 1, Math.ceil(Math.log(ms / lowestMs) / logGrowth))
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
