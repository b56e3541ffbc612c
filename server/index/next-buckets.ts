/** Decides how many buckets a search on PostgreSQL reads per statement: a trade-off between round trips and memory. */

/**
 * Messages in the buckets of the first statement, exceeded only by a single bucket; `mostGrowth` bounds the growth of
 * each next one.
 */
const firstMessages = 2_000
const mostGrowth = 8
/**
 * Full-text hits per statement held by this thread; the number of buckets is limited by an estimate from earlier ones.
 */
const mostKnown = 50_000
/** Bytes of words read per statement, all in memory together; estimated from earlier buckets as well. */
const mostRead = 8 * 1024 * 1024

/** Totals of the statements so far: messages covered, rows found, full-text hits and bytes read. */
export interface StatementTotals {
  messages: number
  rows: number
  known: number
  bytes: number
}

/** Returns the next buckets to read in one statement, newest first: an estimate of as many as fill `limit`. */
export function nextBuckets(
  left: readonly number[],
  sizes: ReadonlyMap<number, number>,
  asked: StatementTotals,
  limit: number,
): readonly number[] {
  const { messages, rows, known, bytes } = asked
  const isFirst = messages === 0
  const enough = isFirst ? firstMessages : (limit - rows) * (messages / rows)
  const read = Math.min(mostKnown * (messages / known), mostRead * (messages / bytes))
  const most = isFirst ? firstMessages : Math.min(Math.max(messages * mostGrowth, firstMessages), read)
  let [count, sum] = [0, 0]
  for (const bucket of left) {
    const size = sizes.get(bucket) ?? 0
    if (count > 0 && (sum >= enough || sum + size > most)) break
    sum += size
    count++
  }
  asked.messages += sum
  return left.slice(0, count)
}
