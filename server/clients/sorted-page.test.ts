/** A page is what sorting everything would give. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortedPage } from './sorted-page.ts'

interface Item {
  key: number
  id: string
}

const order = (isDescending: boolean) => ({ keyOf: ({ key }: Item) => key, idOf: ({ id }: Item) => id, isDescending })

test('whatever the order in which they come, a page is a slice of the sorted whole, equal ones by their ids', () => {
  const bounds = fc.record({ offset: fc.nat({ max: 60 }), count: fc.integer({ min: 1, max: 20 }) })
  const items = fc.uniqueArray(fc.record({ key: fc.nat({ max: 30 }), id: fc.uuid() }), {
    maxLength: 200,
    selector: ({ id }) => id,
  })
  fc.assert(
    fc.property(items, fc.boolean(), bounds, (all, isDescending, { offset, count }) => {
      const sign = isDescending ? -1 : 1
      const whole = all.toSorted((a, b) => sign * (a.key - b.key) || (a.id < b.id ? -1 : 1))
      const page = whole.slice(offset, offset + count)
      expect(sortedPage(all, order(isDescending), { offset, count })).toEqual(page)
      const inOrder = all.toSorted((a, b) => a.key - b.key)
      expect(sortedPage(inOrder, { ...order(isDescending), isInOrder: true }, { offset, count })).toEqual(page)
    }),
  )
})

test('of ten thousand that come in order each costs one look beyond the page', () => {
  let looks = 0
  const items = Array.from({ length: 10_000 }, (_, key) => ({ key, id: String(key) }))
  const keyOf = ({ key }: Item) => {
    looks++
    return key
  }
  const counted = { ...order(false), keyOf }
  expect(sortedPage(items, counted, { offset: 0, count: 10 })).toEqual(items.slice(0, 10))
  expect(looks).toBeLessThan(10_300)
  for (const isDescending of [false, true]) {
    looks = 0
    const page = (isDescending ? items.toReversed() : items).slice(0, 10)
    const known = { ...counted, isDescending, isInOrder: true }
    expect(sortedPage(items, known, { offset: 0, count: 10 })).toEqual(page)
    expect(looks, 'where the order is known, nothing beyond the page is looked at').toBeLessThan(300)
  }
})

test('of ten thousand with the same key few are sorted', () => {
  let sorted = 0
  const items = Array.from({ length: 10_000 }, (_, index) => ({ key: 1, id: String(10_000 + index) }))
  const keyOf = ({ key }: Item) => {
    sorted++
    return key
  }
  const page = sortedPage(items, { ...order(false), keyOf }, { offset: 0, count: 10 })
  expect(page).toEqual(items.slice(0, 10))
  expect(sorted).toBeLessThan(10_300)
})
