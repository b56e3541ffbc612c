/**
 * Selects one page of a sorted list without sorting the list: items beyond the page are examined once, or not at all.
 */

export interface Order<Item> {
  keyOf: (item: Item) => string | number
  isDescending: boolean
  /** The tie-break for equal keys, ascending, so that no page repeats or skips an item. */
  idOf: (item: Item) => string
  /** True if items come in ascending order of their keys, so that those beyond the page are skipped. */
  isInOrder?: boolean
}

interface PageBounds {
  offset: number
  count: number
}

/** @param items Fastest if most of them come in ascending order of their keys. */
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
    // In ordered input, the items of the page come first.
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
