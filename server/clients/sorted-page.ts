/** One page of a sorted list, without sorting the list: what is not on the page is looked at once, or not at all. */

export interface Order<Item> {
  keyOf: (item: Item) => string | number
  isDescending: boolean
  /** Tells equal ones apart, in ascending order, so that no page repeats or leaves out one. */
  idOf: (item: Item) => string
  /** They are known to come in the ascending order of their keys: what is beyond the page is not looked at. */
  isInOrder?: boolean
}

interface PageBounds {
  offset: number
  count: number
}

/** @param items Cheapest when most of them come in the ascending order of their keys. */
export function sortedPage<Item>(items: readonly Item[], order: Order<Item>, bounds: PageBounds): Item[] {
  const { keyOf, isDescending, idOf, isInOrder = false } = order
  const most = bounds.offset + bounds.count
  const compare = (one: Item, other: Item) => {
    const [key, otherKey] = [keyOf(one), keyOf(other)]
    if (key === otherKey) return idOf(one) < idOf(other) ? -1 : 1
    return key < otherKey === isDescending ? 1 : -1
  }
  const kept: Item[] = []
  let last: Item | undefined
  let lastKey: string | number | undefined
  for (let index = 0; index < items.length; index++) {
    // Those of the page are met first where they come in order.
    const item = items[isDescending ? items.length - 1 - index : index]!
    if (last !== undefined && lastKey !== undefined) {
      const key = keyOf(item)
      const isSame = key === lastKey
      if (isInOrder && !isSame) break
      if (isSame ? idOf(item) > idOf(last) : key < lastKey === isDescending) continue
    }
    kept.push(item)
    if (kept.length < 2 * most) continue
    kept.sort(compare)
    kept.length = most
    last = kept[most - 1]!
    lastKey = keyOf(last)
  }
  return kept.sort(compare).slice(bounds.offset, most)
}
