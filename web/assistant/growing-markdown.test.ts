/** Incremental parsing of Markdown. */
import { expect, test } from 'vitest'
import { GrowingMarkdown, readMarkdown } from './growing-markdown.ts'

const answer = `# Found

Two *messages* of **Ada**:

- one
- two

\`\`\`sh
curl localhost

# no heading
\`\`\`

| a | b |
|---|---|
| 1 | 2 |

> quoted

The end, and
not yet.
`

const shape = (text: string) => readMarkdown(text).map(({ type, raw }) => [type, raw.trim()])

test('however it is cut into pieces, the same comes of it', () => {
  for (const size of [1, 3, 7, 40]) {
    const growing = new GrowingMarkdown()
    for (let end = size; end < answer.length; end += size) growing.read(answer.slice(0, end))
    const read = growing.read(answer).map(({ type, raw }) => [type, raw.trim()])
    expect(read).toEqual(shape(answer))
  }
})

test('a complete block is not read again, and stays the same object', () => {
  const growing = new GrowingMarkdown()
  const before = growing.read('First.\n\nSecond.\n\nThi')
  const after = growing.read('First.\n\nSecond.\n\nThird and more')
  expect(after.slice(0, 2)).toEqual(before.slice(0, 2))
  expect(after[0]).toBe(before[0])
  expect(after[1]).toBe(before[1])
  expect(after[2]).toMatchObject({ raw: 'Third and more' })
})

test('another text is read from its beginning', () => {
  const growing = new GrowingMarkdown()
  growing.read('One.\n\nTwo.\n\nThree.')
  expect(growing.read('Other.')).toMatchObject([{ raw: 'Other.' }])
})

test('HTML is text, in blocks and in lines, and definitions of links are none', () => {
  const types = JSON.stringify(
    readMarkdown('<img src=x onerror=alert(1)>\n\nA <b>bold</b>.\n\n[a]: https://b.example\n\n[a]'),
  )
  expect(types).not.toContain('"html"')
  expect(types).not.toContain('"link","raw":"[a]"')
  expect(types).toContain('<b>')
})

test('what is nested deeper than people write, and a paragraph that is too long, are plain text', () => {
  expect(readMarkdown('>'.repeat(5_000))).toMatchObject([{ type: 'paragraph', tokens: [{ type: 'text' }] }])
  expect(readMarkdown('*a* '.repeat(5_000))[0]).toMatchObject({ type: 'paragraph', tokens: [{ type: 'text' }] })
})

test('a list without an end is read seldom while it grows, shows all of itself, and is read whole at last', () => {
  const all = '1. one\n   - two\n'.repeat(1_500)
  const visible = (words: string) => words.replaceAll(/\s/g, '')
  const growing = new GrowingMarkdown()
  let reads = 0
  for (let end = 25; end < all.length + 25; end += 25) {
    const text = all.slice(0, end)
    const tokens = growing.read(text)
    if (!growing.isBehind) reads++
    if (end % 5_000 === 0) expect(visible(tokens.map(({ raw }) => raw).join(''))).toBe(visible(text))
  }
  // Of 960 chunks, those up to the bound are parsed, and then one for each quarter that the text grows.
  expect(reads).toBeLessThan(200)
  expect(growing.readWhole()).toEqual(readMarkdown(all))
  expect(growing.isBehind).toBe(false)
  expect(growing.read(all)).toEqual(readMarkdown(all))
})
