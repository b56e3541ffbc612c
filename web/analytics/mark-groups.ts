/** Marks that lie so close on a chart that their lines would run into one another, as one with a count. */
import type { HistoryMark } from '../../contract/history.ts'

export interface MarkGroup {
  /** Where the first and the last of them are. */
  from: number
  to: number
  count: number
  /** Whether one of them is trouble. */
  isBad: boolean
}

/** Of CSS pixels: as wide as a count of three characters. */
export const leastGapPx = 20

/** @param placeOf Of a time, in the unit of `gap`. */
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
    // From where the group begins: a long row of marks does not become one.
    if (!last || place - last.from >= gap) groups.push({ from: place, to: place, count: 1, isBad })
    else groups[groups.length - 1] = { ...last, to: place, count: last.count + 1, isBad: last.isBad || isBad }
  }
  return groups
}

const mostCounted = 99

/** Nothing for one: its line says it. */
export function countOf({ count }: MarkGroup): string {
  if (count === 1) return ''
  return count > mostCounted ? `${mostCounted}+` : String(count)
}
