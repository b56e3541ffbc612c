/** Groups marks whose lines would overlap, with a count. */
import type { HistoryMark } from '../../contract/history.ts'

export interface MarkGroup {
  /** Position of the first mark; `to` is that of the last. */
  from: number
  to: number
  count: number
  /** Whether one of them is a problem. */
  isBad: boolean
}

/** Minimum gap in CSS pixels, the width of a three-digit count. */
export const leastGapPx = 20

/** @param placeOf Returns the position of a time, in the unit of `gap`. */
export function groupMarks(
  marks: readonly HistoryMark[],
  placeOf: (at: number) => number,
  gap: number = leastGapPx,
): MarkGroup[] {
  const groups: MarkGroup[] = []
  for (const { at, kind } of marks.toSorted((one, other) => one.at - other.at)) {
    const place = placeOf(at)
    const isBad = kind === 'account' || kind === 'alert'
    const last = groups.at(-1)
    // Measured from the start of the group, so that a long run of marks does not become one group.
    if (!last || place - last.from >= gap) groups.push({ from: place, to: place, count: 1, isBad })
    else groups[groups.length - 1] = { ...last, to: place, count: last.count + 1, isBad: last.isBad || isBad }
  }
  return groups
}

const mostCounted = 99

/** Returns the count; empty for a single mark. */
export function countOf({ count }: MarkGroup): string {
  if (count === 1) return ''
  return count > mostCounted ? `${mostCounted}+` : String(count)
}
