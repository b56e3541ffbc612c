/** Estimates the remaining time of indexing from the rate of the last minute. */
import type { IndexStatus } from '../../contract/mail-index.ts'

export interface IndexSample {
  atMs: number
  /** Headers and texts that are indexed; `all` is how many there will be. */
  done: number
  all: number
}

const spanMs = 60_000
/** Shortest time from which a rate is estimated, in milliseconds. */
const leastMs = 5_000

export function sampleOf(
  { level, places, server_messages: onServer, texts, messages }: IndexStatus,
  atMs: number,
): IndexSample {
  const wanted = Math.max(onServer, places)
  if (level !== 'text') return { atMs, done: places, all: wanted }
  // Each listed message has a text to read; one in two folders is read once.
  return { atMs, done: places + texts, all: wanted + Math.max(messages, wanted - places) }
}

/** Appends a sample and drops those older than a minute; a rebuilt index starts over. */
export function withSample(samples: readonly IndexSample[], sample: IndexSample): readonly IndexSample[] {
  const last = samples.at(-1)
  if (last && last.atMs === sample.atMs) return samples
  if (last && sample.done < last.done) return [sample]
  return [...samples.filter(({ atMs }) => atMs > sample.atMs - spanMs), sample]
}

/** Returns the remaining seconds; undefined while too little is known, or nothing moves. */
export function remainingSeconds(samples: readonly IndexSample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || last.atMs - first.atMs < leastMs || last.done <= first.done) return undefined
  const perMs = (last.done - first.done) / (last.atMs - first.atMs)
  return Math.ceil(Math.max(0, last.all - last.done) / perMs / 1_000)
}
