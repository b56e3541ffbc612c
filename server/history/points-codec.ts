/** Encodes points: integers, each as the difference from the previous one, in as few bytes as possible (LEB128). */
import type { Buckets, Point } from './point.ts'

const initialBytes = 256

export class ByteWriter {
  #bytes = new Uint8Array(initialBytes)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** @param value An integer, 0 to 2^53. */
  whole(value: number): void {
    if (this.#length + 10 > this.#bytes.length) this.#grow(10)
    let rest = value
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#length++] = rest
  }

  /** Writes an integer of either sign, ± 2^52. */
  signed(value: number): void {
    this.whole(value < 0 ? -value * 2 - 1 : value * 2)
  }

  bytes(added: Uint8Array): void {
    this.whole(added.length)
    if (this.#length + added.length > this.#bytes.length) this.#grow(added.length)
    this.#bytes.set(added, this.#length)
    this.#length += added.length
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array
  #place = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#place
  }

  get isAtEnd(): boolean {
    return this.#place >= this.#bytes.length
  }

  /** @throws Error if the bytes end too early. */
  whole(): number {
    const first = this.#bytes[this.#place]!
    if (first < 128) {
      this.#place++
      return first
    }
    let [value, factor] = [0, 1]
    for (;;) {
      const byte = this.#bytes[this.#place++]
      if (byte === undefined) throw tooShort()
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
  }

  signed(): number {
    const value = this.whole()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  bytes(): Uint8Array {
    const length = this.whole()
    const end = this.#place + length
    if (end > this.#bytes.length) throw tooShort()
    const found = this.#bytes.subarray(this.#place, end)
    this.#place = end
    return found
  }
}

function tooShort(): Error {
  return new Error('the bytes of a history end too early')
}

/** A point and its place: the number of its step within the encoded range. */
export type Placed = readonly [place: number, point: Point]

/** Writes points, oldest first. Values are rounded to multiples of 1/`scale`. */
export function writePoints(into: ByteWriter, points: readonly Placed[], scale: number): void {
  into.whole(points.length)
  let before = { place: -1, count: 0, sum: 0, min: 0 }
  for (const [place, point] of points) {
    const [sum, min, max] = [point.sum, point.min, point.max].map(value => Math.round(value * scale)) as [
      number,
      number,
      number,
    ]
    into.whole(place - before.place - 1)
    into.signed(point.count - before.count)
    into.signed(sum - before.sum)
    into.signed(min - before.min)
    into.whole(Math.max(0, max - min))
    writeBuckets(into, point.buckets)
    before = { place, count: point.count, sum, min }
  }
}

export function readPoints(from: ByteReader, scale: number): Placed[] {
  const points: Placed[] = []
  let [place, count, sum, min] = [-1, 0, 0, 0]
  for (let left = from.whole(); left > 0; left--) {
    place += 1 + from.whole()
    count += from.signed()
    sum += from.signed()
    min += from.signed()
    const max = min + from.whole()
    const point: Point = { count, sum: sum / scale, min: min / scale, max: max / scale }
    const buckets = readBuckets(from)
    if (buckets) point.buckets = buckets
    points.push([place, point])
  }
  return points
}

function writeBuckets(into: ByteWriter, buckets: Buckets = []): void {
  into.whole(buckets.length / 2)
  let before = 0
  for (let place = 0; place < buckets.length; place += 2) {
    const bucket = buckets[place]!
    into.signed(bucket - before)
    into.whole(buckets[place + 1]!)
    before = bucket
  }
}

function readBuckets(from: ByteReader): Buckets | undefined {
  const size = from.whole()
  if (size === 0) return undefined
  if (size > from.left) throw tooShort()
  // Allocated at its size: most are far smaller than the increment by which an array grows.
  const buckets: Buckets = new Array(size * 2)
  let bucket = 0
  for (let place = 0; place < buckets.length; place += 2) {
    bucket += from.signed()
    buckets[place] = bucket
    buckets[place + 1] = from.whole()
  }
  return buckets
}

/** A recorded minute of all series. */
export interface RecordedMinute {
  /** Epoch seconds. */
  start: number
  /** Points by key; places are samples of 5 s. */
  points: Map<string, Placed[]>
}
