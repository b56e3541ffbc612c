/** Which bytes of a file a client asks for (RFC 9110, section 14). Servers may ignore a range: so several ranges, and invalid ones, mean the whole. */
import { Problem } from '../platform/problem.ts'

/** As it was asked for, before it is known how long the file is. */
export type AskedRange = { first: number; last?: number } | { suffix: number }

/** Both ends are in it. */
export interface ByteRange {
  first: number
  last: number
}

/** @param ifRange Of the client: the range is meant only while the file has this tag. */
export function askedRange(
  range: string | undefined,
  ifRange: string | undefined,
  tag: string,
): AskedRange | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== tag)) return undefined
  const [, from = '', to = ''] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(range) ?? []
  if (from === '') return to === '' ? undefined : { suffix: Number(to) }
  if (to === '') return { first: Number(from) }
  return Number(to) < Number(from) ? undefined : { first: Number(from), last: Number(to) }
}

/** @throws Problem when nothing of it is in the file. */
export function rangeWithin(asked: AskedRange, size: number): ByteRange {
  const end = size - 1
  const first = 'suffix' in asked ? Math.max(0, size - asked.suffix) : asked.first
  const last = 'suffix' in asked ? end : Math.min(end, asked.last ?? end)
  if (first > last) {
    throw new Problem('range_not_satisfiable', `The file has ${size} bytes; the range is outside of it.`, {
      fileBytes: size,
    })
  }
  return { first, last }
}
