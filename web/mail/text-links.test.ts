/** Addresses in plain text, with and without surrounding punctuation. */
import { expect, test } from 'vitest'
import { splitLinks } from './text-links.ts'

const hrefs = (text: string) => splitLinks(text).flatMap(({ href }) => href ?? [])

test.each([
  ['See https://example.org/a?b=1&c=2#d.', ['https://example.org/a?b=1&c=2#d']],
  [
    '(https://example.org/wiki/A_(b)) and <https://b.example>',
    ['https://example.org/wiki/A_(b)', 'https://b.example/'],
  ],
  ['write to mailto:ann@example.org, please', ['mailto:ann@example.org']],
  ['HTTP://EXAMPLE.ORG/Path!', ['http://example.org/Path']],
  ['javascript:alert(1) data:text/html,x file:///etc/passwd', []],
  ['xhttps://example.org http:// https://', []],
])('of %s', (text, wanted) => {
  expect(hrefs(text)).toEqual(wanted)
})

test('the pieces together are the text as it was, however many addresses it has', () => {
  const text = `a https://x.example/1, b\n${'https://y.example/ '.repeat(3_000)}end`
  expect(
    splitLinks(text)
      .map(piece => piece.text)
      .join(''),
  ).toBe(text)
  expect(hrefs(text).length).toBeLessThanOrEqual(1_000)
})
