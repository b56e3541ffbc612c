/** Size-tiered merge policy: merges eight segments of similar size, so that each word is rewritten only a few times. */

/** Segments of one tier that are merged, and the size ratio of adjacent tiers. */
const ofOneSize = 8
/**
 * Upper bound on messages per merged segment: about ten megabytes of ordinary mail, held in memory during the merge.
 */
const mostRows = 16_384
/** Size from which a segment takes part in no further merges. */
export const whole = mostRows / 2

/** Uncompressed bytes of words that count as one message: four times those of an ordinary one. */
const bytesOfMessage = 4_096

interface Sized {
  /** Number of messages, or more for long texts, see `sizeOf`. */
  size: number
}

/**
 * Returns the size of a segment, weighted by bytes so that merges of long texts are bounded in memory and time, too.
 */
export const sizeOf = (messages: number, bytes: number) => Math.max(messages, Math.ceil(bytes / bytesOfMessage))

const tierOf = (size: number) => Math.floor(Math.log(Math.max(size, 1)) / Math.log(ofOneSize) + 1e-9)

/** Returns the segments to merge with a new one of this size. @param segments Segments, oldest first. */
export function toMerge<Segment extends Sized>(segments: readonly Segment[], added: number): Segment[] {
  let [from, sum] = [segments.length, added]
  for (let tier = tierOf(added); ; tier++) {
    let [run, total] = [from, sum]
    for (; run > 0; run--) {
      const { size } = segments[run - 1]!
      if (tierOf(size) > tier || size >= whole || total + size > mostRows) break
      total += size
    }
    if (from - run < ofOneSize - 1) return segments.slice(from)
    ;[from, sum] = [run, total]
  }
}

/** A segment is rewritten once one in this many of its messages was replaced or removed. */
const worthRewriting = 4

interface Counted extends Sized {
  /** Number of messages; `dead` counts those replaced or removed by newer segments. */
  rows: number
  dead: number
}

/**
 * Returns the oldest segment worth rewriting, with others like it that follow, and a small one before it.
 * @param segments Segments, oldest first.
 */
export function toRewrite<Segment extends Counted>(segments: readonly Segment[]): Segment[] {
  const isMeant = ({ rows, dead }: Counted) => dead > 0 && dead * worthRewriting >= rows
  const first = segments.findIndex(isMeant)
  if (first === -1) return []
  const before = segments[first - 1]
  let sum = segments[first]!.size
  const from = before && before.size < whole && sum + before.size <= mostRows ? first - 1 : first
  if (from < first) sum += before!.size
  let end = first + 1
  // A segment that only marks messages as gone is obsolete after the rewrite.
  for (; end < segments.length && (isMeant(segments[end]!) || segments[end]!.rows === 0); end++) {
    if (segments[end]!.rows > 0) sum += segments[end]!.size
    if (sum > mostRows) break
  }
  return segments.slice(from, end)
}

/** Returns the oldest segments, as many as fit into one. @param segments Segments, oldest first. */
export function together<Segment extends Sized>(segments: readonly Segment[]): Segment[] {
  let sum = 0
  const end = segments.findIndex(({ size }, at) => {
    sum += size
    return at > 0 && sum > mostRows
  })
  return segments.slice(0, end === -1 ? segments.length : end)
}
