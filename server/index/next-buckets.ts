/** How many buckets of PostgreSQL a search asks together: a statement more costs time on the way, and what it reads is in memory at once. */

/** Messages of the buckets that are asked together at first, unless one alone has more; and how many times more each following time at most. */
const firstMessages = 2_000
const mostGrowth = 8
/** Full-text hits of one statement that this thread knows: no more buckets are asked together than hold so many, by those before. */
const mostKnown = 50_000
/** The same of bytes of words that are read for one statement, since all of it is in memory at once. */
const mostRead = 8 * 1024 * 1024

/** What statements have looked at, found and read. */
export interface Asked {
  messages: number
  rows: number
  known: number
  bytes: number
}

/** The next ones that are asked together, of the newest first: as many as will hold what is wanted, by those before. */
export function nextBuckets(
  left: readonly number[],
  sizes: ReadonlyMap<number, number>,
  asked: Asked,
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
