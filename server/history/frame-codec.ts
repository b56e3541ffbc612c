/** Encodes frames and blocks: deflated, with the series of a frame ordered by number and individually skippable. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { ByteReader, ByteWriter, type Placed, readPoints, writePoints } from './points-codec.ts'

/** Points of many series, by the number of the series. */
export type Frame = Map<number, Placed[]>
export type ScaleOf = (series: number) => number

/** The version of the format; unknown versions are skipped, as a gap. */
const version = 1
/** Bytes below which deflating does not pay. */
const worthDeflating = 64
/** Upper bound of an inflated row in bytes: 20,000 series with long histograms stay far below. */
const maxBytes = 64 * 1024 * 1024
/** Bytes of a chunk, which fits most rows and comes from Node's pool of small buffers. */
const chunkSize = 4_000

export function encodeFrame(frame: Frame, scaleOf: ScaleOf): Uint8Array {
  const into = new ByteWriter()
  let before = 0
  for (const series of [...frame.keys()].sort((one, other) => one - other)) {
    const points = new ByteWriter()
    writePoints(points, frame.get(series)!, scaleOf(series))
    into.whole(series - before)
    into.bytes(points.done())
    before = series
  }
  return packed(into.done())
}

/** @param wanted Numbers of series; undefined for all. */
export function decodeFrame(bytes: Uint8Array, scaleOf: ScaleOf, wanted?: ReadonlySet<number>): Frame {
  const frame: Frame = new Map()
  const from = new ByteReader(unpacked(bytes))
  let series = 0
  while (!from.isAtEnd) {
    series += from.whole()
    const points = from.bytes()
    if (!wanted || wanted.has(series)) frame.set(series, readPoints(new ByteReader(points), scaleOf(series)))
  }
  return frame
}

/** Returns the numbers of the series in a frame, without decoding their points. */
export function seriesIn(bytes: Uint8Array): number[] {
  const numbers: number[] = []
  const from = new ByteReader(unpacked(bytes))
  for (let series = 0; !from.isAtEnd; ) {
    series += from.whole()
    from.bytes()
    numbers.push(series)
  }
  return numbers
}

export function encodeBlock(points: readonly Placed[], scale: number): Uint8Array {
  const into = new ByteWriter()
  writePoints(into, points, scale)
  return packed(into.done())
}

export function decodeBlock(bytes: Uint8Array, scale: number): Placed[] {
  const content = unpacked(bytes)
  return content.length === 0 ? [] : readPoints(new ByteReader(content), scale)
}

function packed(content: Uint8Array): Uint8Array {
  const isDeflated = content.length >= worthDeflating
  const body = isDeflated ? deflateRawSync(content, { level: 6 }) : content
  const bytes = new Uint8Array(body.length + 1)
  bytes[0] = version * 2 + (isDeflated ? 1 : 0)
  bytes.set(body, 1)
  return bytes
}

function unpacked(bytes: Uint8Array): Uint8Array {
  const [head = 0] = bytes
  if (head >> 1 !== version) return new Uint8Array()
  const body = bytes.subarray(1)
  return head % 2 === 1 ? inflateRawSync(body, { maxOutputLength: maxBytes, chunkSize }) : body
}
