/** What of a stranger's HTML stays, what goes, and that neither its size nor its nesting costs more than a bound. */
import fc from 'fast-check'
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { describe, expect, test } from 'vitest'
import { phoneHomeVectors } from '../../test/support/phone-home-vectors.ts'
import { cleanHtml, type Piece, TooComplex } from './clean-html.ts'

const text = (pieces: Piece[]) =>
  pieces.map(piece => (typeof piece === 'string' ? piece : `[${piece.contentId}]`)).join('')
const bodyOf = (source: string, remote = false) => text(cleanHtml({ source, remote }).body)
const styleOf = (css: string, remote = false) => text(cleanHtml({ source: `<style>${css}</style>`, remote }).style)
const inStyle = (css: string, remote = false) =>
  /^<p(?: style="(.*)")?>x<\/p>$/.exec(bodyOf(`<p style="${css}">x</p>`, remote))?.[1]

describe('elements', () => {
  test.each([
    ['<p>a<b>b</b></p>', '<p>a<b>b</b></p>'],
    ['<P ALIGN=Center CLASS=x onclick=go()>a', '<p align="Center" class="x">a</p>'],
    ['a<script>b</script><style>p{}</style><title>c</title><template>d</template>e', 'ae'],
    ['<x-y>a</x-y><o:p>b</o:p><form>c<button>d</button></form>', 'abcd'],
    ['<iframe src=x>a</iframe><object>b</object><noscript>c</noscript>d', 'bcd'],
    ['a<svg><p>b</svg><math><mi>c</mi></math>', 'a<p>b</p>'],
    ['<xmp><b>a</b></xmp>', '<pre>\n&lt;b&gt;a&lt;/b&gt;</pre>'],
    ['<pre>\n\na</pre>', '<pre>\n\na</pre>'],
    ['<textarea>a</textarea><select><option>b</select><input value=c>', ''],
    ['a<br>b<hr><img alt="c">', 'a<br>b<hr><img alt="c">'],
    ['<table><tr><td>a', '<table><tbody><tr><td>a</td></tr></tbody></table>'],
    ['1 &lt; 2 &amp;&nbsp;"3"', '1 &lt; 2 &amp;\u00a0"3"'],
    ["<p title='\"><script>'>a", '<p title="&quot;&gt;&lt;script&gt;">a</p>'],
    ['<p width=1e9 height="calc(1px)" bgcolor="url(x)" id="a b" class="<">a', '<p id="a b">a</p>'],
    ['<body bgcolor="#fff" onload=x style="color:red">a', 'a'],
  ])('%s', (source, expected) => expect(bodyOf(source)).toBe(expected))

  test('the body keeps its colours and loses what it would do', () => {
    const { bodyAttributes } = cleanHtml({ source: '<body bgcolor="#fff" onload=x style="color:red">a', remote: false })
    expect(text(bodyAttributes)).toBe(' bgcolor="#fff" style="color:red"')
  })
})

test('links lead to whole addresses elsewhere, in a window of their own, or nowhere', () => {
  const rights = 'target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"'
  const linked = (href: string) =>
    bodyOf(`<a href="${href}" target=_top rel=opener ping="https://t.example" download>x</a>`)
  for (const [href, kept] of [
    ['https://a.example/?a=1&b=2', 'https://a.example/?a=1&amp;b=2'],
    ['HTTP://a.example', 'http://a.example/'],
    ['//a.example/x', 'https://a.example/x'],
    ['mailto:a@b.example?subject=x', 'mailto:a@b.example?subject=x'],
    ['tel:+49123', 'tel:+49123'],
    [' \n https://a.example ', 'https://a.example/'],
  ] as const) {
    expect(linked(href)).toBe(`<a href="${kept}" ${rights}>x</a>`)
  }
  for (const href of [
    '?remote=true',
    '/mail',
    'x',
    '#part',
    '',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    '&#106;avascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://a.example/x',
    'cid:a',
    'https://',
    `https://a.example/${'a'.repeat(9_000)}`,
  ]) {
    expect([href, linked(href)]).toEqual([href, '<a>x</a>'])
  }
})

test('pictures: those of the message and those written into it; those from outside when they are asked for', () => {
  const [png, svg] = ['data:image/png;base64,AQID', 'data:image/svg+xml;base64,PHN2Zy8+']
  for (const [src, plain, remote] of [
    ['cid:a%40x', '[a%40x]', '[a%40x]'],
    [png, png, png],
    // As an image it runs nothing and loads nothing.
    [svg, svg, svg],
    ['https://a.example/p.png', undefined, 'https://a.example/p.png'],
    ['//a.example/p.png', undefined, 'https://a.example/p.png'],
    ['p.png', undefined, undefined],
    ['data:text/html,x', undefined, undefined],
    ['data:image/svg+xml,<svg>', undefined, undefined],
    ['ftp://a.example/p.png', undefined, undefined],
  ] as const) {
    const shown = (kept: string | undefined) => (kept === undefined ? '<img>' : `<img src="${kept}">`)
    expect(bodyOf(`<img src="${src}" srcset="${src} 2x" lowsrc="${src}">`)).toBe(shown(plain))
    expect(bodyOf(`<img src="${src}">`, true)).toBe(shown(remote))
  }
})

describe('styles', () => {
  test.each([
    ['p{color:red}', 'p{color:red}'],
    ['@media (max-width:600px){.a{color:red!important}}', '@media (max-width:600px){.a{color:red!important}}'],
    ['a:hover,td>b::before{color:red;behavior:url(x)}', 'a:hover,td>b::before{color:red}'],
    ['@import "x";@font-face{src:url(x)}@keyframes k{to{color:red}}@page{margin:0}', ''],
    ['@supports (color:red){p{color:red}}@layer x{p{color:red}}', ''],
    ['p{background:#fff url(https://a.example/x) no-repeat}', 'p{background:#fff none no-repeat}'],
    ['p{background:image-set("https://a.example/x" 1x);content:url(x);cursor:url(x),auto}', ''],
    ['p{--x:url(x);background:var(--x);width:expression(1)}', ''],
    ['p{position:fixed;top:0;z-index:9;transform:none}', ''],
    ['p{color:red;b{color:blue}@media all{color:green}}', 'p{color:red}'],
    ['p{color:red', 'p{color:red}'],
    ['p::after{content:"\\3c/style\\3e"}', 'p::after{content:"\\3c /style>"}'],
    [`${'b '.repeat(30)}{color:red}`, ''],
  ])('%s', (css, expected) => expect(styleOf(css)).toBe(expected))

  test('a picture from outside stands in a style when it was asked for', () => {
    const url = 'https://a.example/x'
    expect(styleOf(`p{background:url(${url})}`, true)).toBe(`p{background:url(${url})}`)
    expect(inStyle(`background:url(${url})`, true)).toBe(`background:url(${url})`)
    expect(styleOf(`p{content:url(${url});background:image-set(url(${url}) 1x)}`, true)).toBe('')
    expect(styleOf('p{background:url(cid:a)}')).toBe('p{background:url([a])}')
  })

  test.each([
    ['color:red!important', 'color:red'],
    ['width:600px', 'width:min(600px,100%)'],
    ['width:450.0pt;max-width:none', 'width:min(450.0pt,100%)'],
    ['width:120px;width:50%', 'width:120px;width:50%'],
    ['width:100vw;min-width:600px', undefined],
    ['padding:10px 40px', 'padding:10px min(40px,6vw)'],
    ['margin:0 -20px', 'margin:0 0'],
    ['height:60px', 'min-height:60px'],
    ['white-space:nowrap', undefined],
    ['white-space:pre', 'white-space:pre-wrap'],
    ['grid-template-columns:200px 200px', undefined],
    ['position:absolute;left:500px', undefined],
  ])('what was drawn for a wide window fits: %s', (css, expected) => expect(inStyle(css)).toBe(expected))

  test('the width of a table becomes the most that it takes, and long words may break', () => {
    expect(bodyOf('<table width="600" style="color:red">')).toBe(
      '<table style="width:min(600px,100%);color:red"></table>',
    )
    const picture = '<img width="552" height="180" alt="x">'
    expect(bodyOf(picture)).toBe(picture.replace('>', ' style="width:min(552px,100%)">'))
    expect(bodyOf('<table width="100%" cellpadding="40">')).toBe('<table width="100%" cellpadding="12"></table>')
    expect(bodyOf('a'.repeat(30))).toBe('a'.repeat(30))
    expect(bodyOf(`x ${'a'.repeat(31)} y`)).toBe(`x ${'a'.repeat(15)}<wbr>${'a'.repeat(15)}<wbr>a y`)
    expect(bodyOf('<tr><td>', false)).toBe('')
    expect(bodyOf('<table><tr><td><td><td>')).toContain('<tr data-narrow>')
  })
})

describe('a bound for what it costs', () => {
  test.each([
    ['elements', '<p>x</p>'.repeat(131_072)],
    ['nesting', '<div>'.repeat(100_000)],
    ['formatting', '<a><b><i><p>'.repeat(87_381)],
    ['output', '&'.repeat(1024 * 1024)],
  ])('too much of it is refused: %s', (_name, source) =>
    expect(() => cleanHtml({ source, remote: false })).toThrow(TooComplex),
  )

  test('what is deeper than 200 loses its tags and keeps its text', () => {
    const body = bodyOf(`${'<div>'.repeat(1_000)}deep`)
    expect(body.split('<div>').length).toBeLessThan(202)
    expect(body).toContain('deep')
  })

  test('style sheets past 256 KiB are left out', () => {
    expect(styleOf(`p{color:red}${' '.repeat(256 * 1024)}`)).toBe('')
    expect(styleOf(`${'@media x{'.repeat(20_000)}p{color:red}`)).toBe('')
  })
})

test('whatever the vector, a browser that reads the result finds nothing in it that asks its sender', () => {
  for (const [name, vector] of Object.entries(phoneHomeVectors)) {
    const source = vector.replaceAll(/\$[ush]/g, 'https://sender.example/x')
    const clean = cleanHtml({ source, remote: false })
    const found: string[] = []
    for (const { tagName, attrs } of elementsIn(`<body${text(clean.bodyAttributes)}>${text(clean.body)}`)) {
      if (
        /^(?:link|meta|base|iframe|frame|object|embed|video|audio|source|script|svg|math|form|input)$/.test(tagName)
      ) {
        found.push(tagName)
      }
      // Attributes that only a click follows, and those that are only text.
      const others = attrs.filter(({ name }) => !['href', 'title', 'alt', 'class'].includes(name))
      found.push(...others.filter(({ value }) => value.includes('sender')).map(({ name }) => `${tagName} ${name}`))
    }
    expect([name, found]).toEqual([name, []])
    expect([name, text(clean.style)]).toEqual([name, expect.not.stringMatching(/url\(|@import|@font|image-set|<\//)])
  }
})

type Element = DefaultTreeAdapterTypes.Element

function elementsIn(html: string): Element[] {
  const found: Element[] = []
  const waiting: DefaultTreeAdapterTypes.Node[] = [parse(html)]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if ('tagName' in node) found.push(node)
    if ('childNodes' in node) waiting.push(...node.childNodes)
  }
  return found
}

test('what is clean stays as it is, whatever it was made of', () => {
  const bits = fc.constantFrom(
    ...Object.values(phoneHomeVectors),
    ...[
      '<p>',
      '</p>',
      '<table>',
      '<td>',
      '</table>',
      '<b>',
      '</b>',
      '<a href=https://a.example>',
      '<style>',
      '</style>',
    ],
    ...[
      '<svg>',
      '</svg>',
      '<math>',
      '<mtext>',
      '<!--',
      '-->',
      '"',
      "'",
      '>',
      '<',
      '&lt;',
      '<pre>\n',
      '<xmp>',
      '</xmp>',
      'x',
    ],
  )
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 12 }), parts => {
      const once = cleanHtml({ source: parts.join(''), remote: true })
      const document = `<!doctype html><style>${text(once.style)}</style><body${text(once.bodyAttributes)}>${text(once.body)}`
      const again = cleanHtml({ source: document, remote: true })
      expect(text(again.style)).toBe(text(once.style).replaceAll('\n', ''))
      expect(text(again.bodyAttributes)).toBe(text(once.bodyAttributes))
      // A browser reads the same elements out of it, and none that is not allowed.
      const tags = (html: string) =>
        [...html.matchAll(/<([a-z]+)/g)].map(([, tag]) => tag).filter(tag => tag !== 'tbody')
      expect(new Set(tags(text(again.body)))).toEqual(new Set(tags(text(once.body))))
    }),
    { numRuns: 300 },
  )
})
