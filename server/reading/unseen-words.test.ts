/** Invisible words of an outgoing message are reported, however they are hidden; visible ones are not. */
import { expect, test } from 'vitest'
import { writeBody } from './outgoing-body.ts'
import { unseenWords } from './unseen-words.ts'

/** Returns the invisible words of the outgoing message. */
function unseenIn(content: string, format: 'html' | 'markdown' = 'html'): string {
  const { style, bodyAttributes, html } = writeBody({ format, content })
  return unseenWords({
    html: `<html><head><style>\n${style}\n</style></head><body${bodyAttributes}>${html}</body></html>`,
  }).words
}

test.each([
  '<p style="display:none">§</p>',
  '<span hidden>§</span>',
  '<p style="font-size:0">§</p>',
  '<p style="visibility:hidden">§</p>',
  '<p style="opacity:0">§</p>',
  '<p style="color:#fff">§</p>',
  '<i style="display:none">§</i>',
  '<style>.a{display:none}</style><p class="a">§</p>',
  '<style>p+i{display:none}</style><i>§</i>',
  '<img alt="§" src="data:image/png;base64,AQID">',
])('%s', way => {
  const told = unseenIn(`<p>Hello</p>${way.replace('§', 'The code is K7-4411')}`)
  expect(told).toBe('the code is k7 4411')
  expect(unseenIn(`Hello\n\n${way.replace('§', 'The code is K7-4411')}`, 'markdown')).toBe('the code is k7 4411')
})

test('words that are hidden are told, even if each is seen elsewhere', () => {
  expect(
    unseenIn('<p>We accept it, and do not wait.</p><p>We do <i hidden>not</i> pay 4 or 7</p><b hidden>7 4</b>'),
  ).toBe('not 7 4')
})

/** The HTML and the text of one message. */
function unseenOf(content: string, format: 'html' | 'markdown'): string {
  const { html, text } = writeBody({ format, content })
  return unseenWords({ html: `<html><body>${html}</body></html>`, text }).words
}

test('nothing is told of a text that says what is seen', () => {
  const markdown =
    '# Title\n\n- one\n- **tw**o\n\n> three &amp; more<br>\n\n`four` [five](https://x.example/a?b=c&d=e) <b>six</b> <https://y.example>\n\n1. [ ] seven'
  expect(unseenOf(markdown, 'markdown')).toBe('')
  expect(unseenOf('<p>One <a href="https://x.example/?a=b&amp;c=d">two</a></p><p hidden>§</p>', 'html')).toBe('')
})

test('in every window the same words are seen, and no word is only in the style sheet', () => {
  const written = (content: string) => {
    const { style, html } = writeBody({ format: 'html', content })
    return `${style} ${html}`
  }
  for (const window of [
    '(min-width:900px)',
    '(max-width:400px)',
    '(prefers-color-scheme:dark)',
    '(hover:none)',
    'print',
  ])
    for (const hiding of [
      'display:none',
      'color:#fff',
      'font-size:0',
      'opacity:0',
      'max-height:0',
      'visibility:hidden',
    ])
      expect(written(`<style>@media ${window}{.x{${hiding}}}</style><p class="x">pin 4711</p>`)).not.toContain('@media')
  const phone = '@media (max-width:600px){.x{width:100%!important;display:block;padding:8px}}'
  expect(written(`<style>${phone}</style><p class="x">Hello</p>`)).toBe(
    `${phone.replace('.x', '.c1')} <p class="c1">Hello</p>`,
  )
  expect(written('<style>#a{color:red}</style><p id="a">Hello class="b"</p>')).toContain(
    '<p id="c1">Hello class="b"</p>',
  )
})

test('nothing is told of what is seen', () => {
  const seen =
    '<style>.a{color:#333}</style><h1 class="a">Title</h1><p>One &amp; <b>two</b> <a href="https://x.example/?a=b">three</a></p>' +
    '<ul><li>four</li></ul><table><tr><th>five</th></tr><tr><td>six</td></tr></table><blockquote>seven</blockquote>ni<b>n</b>e<img alt="eight">ten'
  expect(unseenIn(seen)).toBe('')
  expect(unseenIn('# Title\n\n- one\n- **two**\n\n> three\n\n`four` [five](https://x.example)', 'markdown')).toBe('')
})

test('a long secret is cut, and takes no long time', () => {
  const told = unseenIn(`<p hidden>${'abc def '.repeat(100_000)}</p>`)
  expect([told.length, told.endsWith('…')]).toEqual([2_001, true])
})
