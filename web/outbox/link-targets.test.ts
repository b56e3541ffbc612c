/** Link targets are listed, whatever the words of the links say. */
import { expect, test } from 'vitest'
import { linkTargets, placesOf } from './link-targets.ts'

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
