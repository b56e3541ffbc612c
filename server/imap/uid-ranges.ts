/**
 * Sets of UIDs as ascending, disjoint ranges: `1:4294967295` takes a few bytes on the wire, and stays as small in
 * memory.
 */

/** Both ends are inclusive. */
export type UidRange = readonly [first: number, last: number]

/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

/** Parses a sequence set in any order. Invalid ranges are skipped: servers have sent worse. */
export function readUidSet(set: string): UidRange[] {
  const ranges = set.split(',').flatMap(text => {
    const [one = Number.NaN, other = one] = text.split(':').map(Number)
    return isUid(one) && isUid(other) ? [[Math.min(one, other), Math.max(one, other)] as const] : []
  })
  return joined(ranges)
}

export function writeUidSet(ranges: readonly UidRange[]): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join()
}

export function rangesOfUids(uids: readonly number[]): UidRange[] {
  return joined(uids.map(uid => [uid, uid] as const))
}

export function countUids(ranges: readonly UidRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)
}

/** Yields each UID; the caller knows an upper bound of their number. */
export function* eachUid(ranges: readonly UidRange[]): Generator<number, undefined> {
  for (const [first, last] of ranges) for (let uid = first; uid <= last; uid++) yield uid
}

export function holdsUid(ranges: readonly UidRange[], uid: number): boolean {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ranges[middle]![1] < uid) low = middle + 1
    else high = middle
  }
  return low < ranges.length && ranges[low]![0] <= uid
}

/** Parses a set whose order matters (COPYUID, RFC 4315); undefined when it is invalid or has more than `most` UIDs. */
export function orderedUids(set: string, most: number): number[] | undefined {
  const uids: number[] = []
  for (const text of set.split(',')) {
    const [one = Number.NaN, other = one] = text.split(':').map(Number)
    if (!isUid(one) || !isUid(other) || Math.abs(other - one) >= most - uids.length) return undefined
    const step = other < one ? -1 : 1
    for (let uid = one; uid !== other + step; uid += step) uids.push(uid)
  }
  return uids
}

/** Returns the intersection. */
export function commonUids(some: readonly UidRange[], others: readonly UidRange[]): UidRange[] {
  const common: UidRange[] = []
  for (let [i, j] = [0, 0]; i < some.length && j < others.length; ) {
    const [one, other] = [some[i]!, others[j]!]
    const [first, last] = [Math.max(one[0], other[0]), Math.min(one[1], other[1])]
    if (first <= last) common.push([first, last])
    if (one[1] < other[1]) i++
    else j++
  }
  return common
}

/** Returns the difference: the UIDs in the first set only. */
export function withoutUids(all: readonly UidRange[], taken: readonly UidRange[]): UidRange[] {
  const gaps: UidRange[] = []
  let next = 1
  for (const [first, last] of taken) {
    if (first > next) gaps.push([next, first - 1])
    next = last + 1
  }
  if (next <= maxUid) gaps.push([next, maxUid])
  return commonUids(all, gaps)
}

function joined(ranges: readonly UidRange[]): UidRange[] {
  const rising: [number, number][] = []
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = rising.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else rising.push([first, last])
  }
  return rising
}

function isUid(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= maxUid
}
