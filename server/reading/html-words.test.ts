/** Words of HTML for the index: what a reader may look for, whatever the markup is like, in linear time. */
import { expect, test } from 'vitest'
import { htmlWords } from './html-words.ts'

const read = (html: string) => htmlWords(html, 100_000)
const line = (html: string) => read(html).text.replaceAll(/\s+/g, ' ').trim()

test.each([
  ['<p>Hello <b>wor</b>ld</p><p>again', 'Hello world again'],
  ['a<br>b<td>c</td>d', 'a b c d'],
  ['<head><title>T</title><style>p{color:red}</style></head><body>x', 'x'],
  ['<script>if (a<b) "</p>"</script>y<SCRIPT>z</ScRiPt >w', 'yw'],
  ['&eacute;&amp;&#8364;&#x1F600; &lt;b&gt; AT&T', 'é&€😀 <b> AT&T'],
  ['a <!-- <p>hidden</p> --> b <!--> c <!---> d <!doctype html> e <?xml?> f', 'a b c d e f'],
  [`<a title="a>b" class='c>d' href=x>link</a>`, 'link'],
  ["<p title=it's>seen</p> it's", "seen it's"],
  ['1 < 2 <3 > 1 </ p>x', '1 < 2 <3 > 1 x'],
  ['<img alt="Big &amp; red" src=x><img src=y>', 'Big & red'],
  ['text <b unclosed', 'text'],
  ['<style>never closed', ''],
  ['<!-- never closed', ''],
  ['', ''],
])('%j has the words %j', (html, words) => {
  expect(line(html)).toBe(words)
})

test('links to the web are seen, and no others', () => {
  for (const html of ['<a href="https://example.com">x', '<A CLASS=c HREF = http://x>', "<area href='HTTPS://x'>"])
    expect(read(html).hasLink, html).toBe(true)
  for (const html of ['<a href="mailto:a@b">', '<a name=x>', '<p>https://example.com', '<img src=https://x>', '<a>'])
    expect(read(html).hasLink, html).toBe(false)
})

test('a text ends at its bound and says so', () => {
  expect(htmlWords('<p>abcdef', 4)).toMatchObject({ text: '\nabc', isCut: true })
  expect(htmlWords('abc', 3)).toMatchObject({ text: 'abc', isCut: false })
  expect(htmlWords('<i>'.repeat(1000), 3)).toMatchObject({ text: '', isCut: false })
})

test('the work grows with the HTML and no faster', () => {
  const spent = (html: string) => {
    const times = [1, 2, 3].map(() => {
      const began = process.cpuUsage()
      htmlWords(html, 256 * 1024)
      const { user, system } = process.cpuUsage(began)
      return user + system
    })
    return Math.min(...times)
  }
  const units = [
    '<',
    '<a ',
    '<a b=c ',
    '<b a="',
    '<!--',
    '<style>',
    '</style',
    '&',
    '&amp;',
    '<p>',
    "='",
    '<a href=',
    '<img alt=" ',
  ]
  for (const unit of units) {
    const [short, long] = [64, 512].map(kib => spent(unit.repeat((kib * 1024) / unit.length)))
    // Eight times the text; the square of it would be 64 times the work.
    expect(long! / Math.max(short!, 1000), JSON.stringify(unit)).toBeLessThan(32)
  }
})
