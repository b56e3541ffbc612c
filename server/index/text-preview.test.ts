/** How a message begins, as lists show it. */
import { expect, test } from 'vitest'
import { previewOf } from './text-preview.ts'

test('a preview is one line, shows no filling, and no half of a character', () => {
  const filling = '\u034f \u200c\u00a0\u00ad'.repeat(50)
  expect(previewOf(`Sale!${filling}\n\nToday`)).toBe('Sale! Today')
  expect(previewOf('Dear Anna,\n\nsee the plan\n> quoted')).toBe('Dear Anna, see the plan > quoted')
  expect(previewOf(`${'a'.repeat(199)}😀b`)).toBe('a'.repeat(199))
  expect(previewOf('é'.repeat(300))).toBe('é'.repeat(200))
  expect(previewOf('')).toBe('')
})
