/**
 * Parses range requests (RFC 9110, section 14). Servers may ignore ranges: multiple and invalid ones yield the whole
 * file.
 */
import { Problem } from '../platform/problem.ts'

/** A range as requested, before the file's length is known. */
export type RequestedRange = { first: number; last?: number } | { suffix: number }

/** Both ends are inclusive. */
export interface ByteRange {
  first: number
  last: number
}

/** @param ifRange The If-Range header: the range only applies while the file has this tag. */
export function parseRange(
  range: string | undefined,
  ifRange: string | undefined,
  tag: string,
): RequestedRange | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== tag)) return undefined
  const [, from = '', to = ''] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(range) ?? []
  if (from === '') return to === '' ? undefined : { suffix: Number(to) }
  if (to === '') return { first: Number(from) }
  return Number(to) < Number(from) ? undefined : { first: Number(from), last: Number(to) }
}

/** @throws Problem when the range is outside of the file. */
export function rangeWithin(requested: RequestedRange, size: number): ByteRange {
  const end = size - 1
  const first = 'suffix' in requested ? Math.max(0, size - requested.suffix) : requested.first
  const last = 'suffix' in requested ? end : Math.min(end, requested.last ?? end)
  if (first > last) {
    throw new Problem('range_not_satisfiable', `The file has ${size} bytes; the range is outside of it.`, {
      fileBytes: size,
    })
  }
  return { first, last }
}
