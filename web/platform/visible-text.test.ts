/** Characters that hide or reorder text. */
import { expect, test } from 'vitest'
import { visibleLines, visibleText } from './visible-text.ts'

test('what hides or turns round words is seen, and what a script or an emoji needs is left alone', () => {
  expect(visibleText('Boss \u202eelpmaxe\u202c')).toBe('Boss \ufffdelpmaxe\ufffd')
  expect(visibleText('Pay\u200b\u2060Pal\u{e0041}\u{e0042} \u0007')).toBe('Pay\ufffdPal\ufffd \ufffd')
  expect(visibleText('a\u2066b\u3164')).toBe('a\ufffdb\ufffd')
  const good = 'נעם\u200f می\u200cخواهد क\u094d\u200dष 👩🏽\u200d💻 ❤\ufe0f 葛\u{e0100} 🏴\u{e0067}\u{e0062}\u{e007f}'
  expect(visibleText(good)).toBe(good)
})

test('of many lines each is shown as one would be, and tabs stay', () => {
  const source = 'Subject: pay\u202efdp.exe\r\n\tfolded\rline\nnull\u0000 \u05d0\u200f'
  expect(visibleLines(source)).toBe('Subject: pay\ufffdfdp.exe\n\tfolded\nline\nnull\ufffd \u05d0\u200f')
})
