/** Link targets are listed, whatever the words of the links say. */
import { expect, test } from 'vitest'
import { linkTargets, picturesIn, placesOf, saysMore } from './link-targets.ts'

/** As the server writes it. */
const link = (href: string, words: string) =>
  `<a class="x" href="${href}" target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer">${words}</a>`

test('targets that the words of a link do not show', () => {
  const html = [
    link('https://evil.example/?d=pin+4711&amp;e=1', 'site'),
    link('https://evil.example/?d=pin+4711&amp;e=1', '<b>again</b>'),
    link('mailto:eve@evil.example?body=4711', 'mail'),
    link('https://seen.example/a?b=c&amp;d=e', 'https://seen.example/a?b=c&amp;d=e'),
    link('mailto:bob@example.com', 'bob@example.com'),
    link('https://evil.example/2', 'https://bank.example'),
  ].join(' ')
  const targets = linkTargets(html)
  expect(targets).toEqual([
    'https://evil.example/?d=pin+4711&e=1',
    'mailto:eve@evil.example?body=4711',
    'https://evil.example/2',
  ])
  expect(placesOf(targets)).toEqual(['evil.example', 'mailto:eve@evil.example'])
  expect(linkTargets('<p>none</p>')).toEqual([])
})

test('a URL that says more than where it leads is shown in full, and pictures are counted', () => {
  expect(saysMore('https://example.com/docs')).toBe(false)
  const more = ['?q=pin4711', '#pin4711', 'pin/4711/'.repeat(9)].map(rest => `https://example.com/${rest}`)
  for (const target of [...more, 'https://pin4711@example.com/', 'mailto:a@b.example?subject=x']) {
    expect(saysMore(target)).toBe(true)
  }
  const html = `<p><img alt="x"><img alt="y" src="data:image/png;base64,${'A'.repeat(4_000)}"></p>`
  const { count, bytes } = picturesIn(html)
  expect([count, bytes > 2_900 && bytes < 3_100]).toEqual([1, true])
})
