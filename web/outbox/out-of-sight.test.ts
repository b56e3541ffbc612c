/** Words far below blank space, beside the view or covered are found; what is usual is not. */
import { expect, test } from 'vitest'
import { nothingHidden, outOfSight, type PlacedWord } from './out-of-sight.ts'

const view = { width: 600, height: 400 }
const at = (text: string, top: number, more: Partial<PlacedWord> = {}): PlacedWord => ({
  ...{ text, top, bottom: top + 16, left: 10, right: 60, isCovered: false },
  ...more,
})
const lines = (from: number, count: number) => Array.from({ length: count }, (_, line) => at('line', from + line * 20))

test('a long message without gaps has nothing out of sight, nor has one with usual space', () => {
  expect(outOfSight(lines(0, 1_000), view)).toEqual(nothingHidden)
  expect(outOfSight([at('title', 100), ...lines(220, 5), at('footer', 600)], view)).toEqual(nothingHidden)
})

test('words after a gap are told, and how long it is', () => {
  const found = outOfSight([at('hidden', 5_000), ...lines(0, 3), at('words', 5_020)], view)
  expect(found).toMatchObject({ screens: 12.4, below: 'hidden words', beside: '' })
  expect(outOfSight([at('first', 450)], view).below).toBe('first')
})

test('a gap with a word here and there is a gap', () => {
  const dots = Array.from({ length: 10 }, (_, number) => at('a', number * 300))
  expect(outOfSight([...dots, at('hidden', 3_000)], view).below).toBe('a a a a a a a a hidden')
})

test('words beside the view, covered or cut off are told, unless they are told already', () => {
  const words = [
    at('seen', 0),
    at('right', 0, { left: 700, right: 760 }),
    at('left', 0, { left: -90, right: -10 }),
    at('above', -50),
    at('covered', 20, { isCovered: true }),
    at('Flat', 20, { bottom: 20 }),
  ]
  expect(outOfSight(words, view)).toMatchObject({ screens: 0, beside: 'right left above covered Flat' })
  expect(outOfSight(words, view, new Set(['flat', 'above'])).beside).toBe('right left covered')
})
