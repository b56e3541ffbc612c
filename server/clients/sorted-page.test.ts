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
      expect(sortedPage(all, order(isDescending), { offset, count })).toEqual(whole.slice(offset, offset + count))
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
})
