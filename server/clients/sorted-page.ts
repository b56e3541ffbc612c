/** One page of a sorted list, without sorting the list: what comes behind the page is looked at once and let go. */

export interface Order<Item> {
  keyOf: (item: Item) => string | number
  isDescending: boolean
  /** Tells equal ones apart, in ascending order, so that no page repeats or leaves out one. */
  idOf: (item: Item) => string
}

interface PageBounds {
  offset: number
  count: number
}

/** @param items Cheapest when those of the page come first; then each of the others costs one look at its key. */
export function sortedPage<Item>(
  items: readonly Item[],
  { keyOf, isDescending, idOf }: Order<Item>,
  { offset, count }: PageBounds,
): Item[] {
  const most = offset + count
  const compare = (one: Item, other: Item) => {
    const [key, otherKey] = [keyOf(one), keyOf(other)]
    if (key === otherKey) return idOf(one) < idOf(other) ? -1 : 1
    return key < otherKey === isDescending ? 1 : -1
  }
  const kept: Item[] = []
  let lastKey: string | number | undefined
  for (const item of items) {
    if (lastKey !== undefined) {
      const key = keyOf(item)
      if (isDescending ? key < lastKey : key > lastKey) continue
    }
    kept.push(item)
    if (kept.length < 2 * most) continue
    kept.sort(compare)
    kept.length = most
    lastKey = keyOf(kept[most - 1]!)
  }
  return kept.sort(compare).slice(offset, most)
}
