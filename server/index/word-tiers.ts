/** Which segments of a bucket become one: eight of about the same size, so that each word is written again a few times, however many there are. */

/** How many of one size there are before they are merged; the next size is as many times as large. */
const ofOneSize = 8
/** Of no more messages one segment is made: some ten megabytes of ordinary mail, which are in memory while they are merged. */
const mostRows = 16_384
/** So large a segment is merged no more. */
export const whole = mostRows / 2

/** Bytes of words before they are compressed, more of which count as another message: four times those of ordinary mail. */
const bytesOfMessage = 4_096

interface Sized {
  /** Messages, or as many as its bytes are worth. */
  size: number
}

/** Of a segment, so that merging takes bounded memory and time of long texts, too. */
export const sizeOf = (messages: number, bytes: number) => Math.max(messages, Math.ceil(bytes / bytesOfMessage))

const tierOf = (size: number) => Math.floor(Math.log(Math.max(size, 1)) / Math.log(ofOneSize) + 1e-9)

/** Those that a new one of this size is merged with. @param segments The oldest first. */
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

/** Of a segment, where one message in so many was replaced or removed, it is written again. */
const worthRewriting = 4

interface Counted extends Sized {
  /** Messages, and those of them that newer segments have replaced or removed. */
  rows: number
  dead: number
}

/** The oldest of which much is dead, with those like it that follow, and what is left of others before it. @param segments The oldest first. */
export function toRewrite<Segment extends Counted>(segments: readonly Segment[]): Segment[] {
  const isMeant = ({ rows, dead }: Counted) => dead > 0 && dead * worthRewriting >= rows
  const first = segments.findIndex(isMeant)
  if (first === -1) return []
  const before = segments[first - 1]
  let sum = segments[first]!.size
  const from = before && before.size < whole && sum + before.size <= mostRows ? first - 1 : first
  if (from < first) sum += before!.size
  let end = first + 1
  // One that only tells of removed messages is of no use afterwards.
  for (; end < segments.length && (isMeant(segments[end]!) || segments[end]!.rows === 0); end++) {
    if (segments[end]!.rows > 0) sum += segments[end]!.size
    if (sum > mostRows) break
  }
  return segments.slice(from, end)
}

/** The oldest of them, as many as may be one. @param segments The oldest first. */
export function together<Segment extends Sized>(segments: readonly Segment[]): Segment[] {
  let sum = 0
  const end = segments.findIndex(({ size }, at) => {
    sum += size
    return at > 0 && sum > mostRows
  })
  return segments.slice(0, end === -1 ? segments.length : end)
}
