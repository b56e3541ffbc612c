/** Pictures that come with a message: which are shown, and what a stranger cannot do with them. */
import { expect, test } from 'vitest'
import type { PartInfo } from '../imap/mail-gateway.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { embedPictures, namesPictures } from './embed-pictures.ts'

const mebibyte = 1024 * 1024
const shown = 'data:image/png;base64,AQID'

function picture(id: string, contentId: string | null = `${id}@x`, type = 'image/png', bytes = 3): PartInfo {
  const sizeBytes = Math.ceil(bytes * 1.37)
  return { id, name: null, type, size_bytes: sizeBytes, is_inline: true, content_id: contentId }
}

/** Parts of these sizes; records which were requested. */
function parts(sizes: Record<string, number> = {}) {
  const asked: string[] = []
  const readPart = async (id: string, maxBytes: number) => {
    asked.push(id)
    const size = sizes[id] ?? 3
    return size <= maxBytes ? Buffer.alloc(size, Buffer.from([1, 2, 3])) : undefined
  }
  return { asked, readPart }
}

const clean = (source: string) => cleanHtml({ source, remote: false })
const bodyOf = async (html: string, attachments: readonly PartInfo[], readPart = parts().readPart) =>
  (await embedPictures(clean(html), attachments, readPart)).body
const embed = (html: string, ...attachments: PartInfo[]) => bodyOf(html, attachments)

test('a picture is shown wherever HTML or CSS can name it', async () => {
  for (const [html, expected] of [
    ['<img src="cid:a@x">', `<img src="${shown}">`],
    ["<IMG alt='' SRC = 'CID:a@x'/>", `<img alt="" src="${shown}">`],
    ['<img src=cid:a@x>', `<img src="${shown}">`],
    [
      '<table><tr><td background="cid:a@x" width=1>',
      `<table><tbody><tr><td background="${shown}" width="1"></td></tr></tbody></table>`,
    ],
    [`<p style="background:url( 'cid:a@x' )">`, `<p style="background:url(${shown})"></p>`],
    ['<p style="background:URL(&quot;cid:a@x&quot;) 0">', `<p style="background:url(${shown})0"></p>`],
    ['<img src="cid:a@x"> and <img src="cid:a@x">', `<img src="${shown}"> and <img src="${shown}">`],
  ] as const) {
    expect(await embed(html, picture('a'))).toBe(expected)
  }
  const html = clean('<style>p{background:url(cid:a@x)}</style><body background="cid:a@x">')
  expect(await embedPictures(html, [picture('a')], parts().readPart)).toEqual({
    style: `p{background:url(${shown})}`,
    bodyAttributes: ` background="${shown}"`,
    body: '',
  })
})

test('its name is compared without angle brackets and percent signs, and else to the letter', async () => {
  for (const [contentId, name] of [
    ['<a@x>', 'a@x'],
    ['a@x', '%3Ca@x%3E'],
    ['a b/ü@x', 'a%20b%2F%C3%BC@x'],
    ['a&b@x', 'a&amp;b@x'],
    ['100%@x', '100%@x'],
  ] as const) {
    expect(await embed(`<img src="cid:${name}">`, picture('a', contentId))).toBe(`<img src="${shown}">`)
    expect(namesPictures(clean(`<img src="cid:${name}">`), [picture('a', contentId)])).toBe(true)
  }
})

test('a missing picture is replaced by an address that causes no request', async () => {
  const attachments = [picture('a'), picture('p', 'page@x', 'text/html'), picture('n', null)]
  for (const name of ['other@x', 'A@x', 'a@x.example', '', '%ff', 'page@x']) {
    const html = `<img src="cid:${name}">`
    expect([name, await bodyOf(html, attachments)]).toEqual([name, '<img src="data:,">'])
    expect(namesPictures(clean(html), attachments)).toBe(false)
  }
})

test('only what shows a picture names one: no link, no comment, no text', async () => {
  for (const html of [
    '<img data-src="cid:a@x">',
    '<a href="cid:a@x">cid:a@x</a>',
    'src="cid:a@x" url(cid:a@x)',
    '<!--[if gte vml 1]><v:imagedata src="cid:a@x"/><![endif]-->',
    '<!-- never closed <img src="cid:a@x">',
  ]) {
    expect(await embed(html, picture('a'))).not.toContain('data:')
    expect([html, namesPictures(clean(html), [picture('a')])]).toEqual([html, false])
  }
  const outlook = '<!--[if !vml]><!--><img src="cid:a@x"><!--<![endif]-->'
  expect(await embed(outlook, picture('a'))).toBe(`<img src="${shown}">`)
})

test('every kind of picture that browsers show keeps its kind', async () => {
  for (const kind of ['png', 'jpeg', 'gif', 'webp', 'bmp']) {
    const html = await embed('<img src="cid:a@x">', picture('a', 'a@x', `image/${kind}`))
    expect(html).toBe(`<img src="data:image/${kind};base64,AQID">`)
  }
})

test('a picture under another name of its kind is one; SVG is none, under any name', async () => {
  for (const [type, shown] of [
    ['image/jpg', 'image/jpeg'],
    ['image/pjpeg', 'image/jpeg'],
    ['image/x-png', 'image/png'],
    ['image/x-ms-bmp', 'image/bmp'],
    ['image/svg+xml', undefined],
    ['image/svg', undefined],
    ['text/html', undefined],
  ] as const) {
    const html = await embed('<img src="cid:a@x">', picture('a', 'a@x', type))
    expect([type, html]).toEqual([type, `<img src="data:${shown === undefined ? ',' : `${shown};base64,AQID`}">`])
  }
})

test('twenty pictures are read, each once and only when it is named', async () => {
  const all = Array.from({ length: 25 }, (_, index) => picture(`p${index}`))
  const { asked, readPart } = parts()
  const named = all.slice(1)
  const html = named.map(({ id }) => `<img src="cid:${id}@x">`).join('')
  const embedded = await bodyOf(html + html, all, readPart)
  expect(asked).toEqual(named.slice(0, 20).map(({ id }) => id))
  expect(embedded.split('data:image')).toHaveLength(41)
  expect(embedded.endsWith('<img src="data:,">'.repeat(4))).toBe(true)
})

test('a picture of 2 MiB is shown; a longer one is not, and is not read when its size is told', async () => {
  const sizes = { most: 2 * mebibyte, over: 2 * mebibyte + 1, far: 5 * mebibyte }
  const { asked, readPart } = parts(sizes)
  const attachments = Object.entries(sizes).map(([id, size]) => picture(id, `${id}@x`, 'image/png', size))
  const html = attachments.map(({ id }) => `<img src="cid:${id}@x">`).join('')
  const embedded = await bodyOf(html, attachments, readPart)
  expect(asked).toEqual(['most', 'over'])
  expect(embedded).toMatch(/^<img src="data:image[^"]+"><img src="data:,"><img src="data:,">$/)
})

test('all pictures together stay below 6 MiB, also when one is shown again and again', async () => {
  const sizes = { a: 2 * mebibyte, b: 1.5 * mebibyte }
  const attachments = Object.entries(sizes).map(([id, size]) => picture(id, `${id}@x`, 'image/png', size))
  const [a, b] = ['<img src="cid:a@x">', '<img src="cid:b@x">']
  const embedded = await bodyOf(a + b + a + b + b.repeat(1000), attachments, parts(sizes).readPart)
  expect(embedded.split('data:image')).toHaveLength(4)
  expect(embedded.length).toBeLessThan(8 * mebibyte + 50_000)
})
