/** No place of an outgoing message that readers do not see carries words of its author. */
import { expect, test } from 'vitest'
import { writeBody } from './outgoing-body.ts'

/** Everything that is sent of a body. */
function sent(content: string, format: 'html' | 'markdown' = 'html'): string {
  return Object.values(writeBody({ format, content })).join('\n')
}

const secret = 'K7secret'

test.each([
  `<!-- ${secret} --><p>Hello</p>`,
  `<!--[if mso]><p>${secret}</p><![endif]--><p>Hello</p>`,
  `<![if !mso]><p>Hello</p><![endif ${secret}]>`,
  `<?xml ${secret}?><p>Hello</p>`,
  `<!doctype html "${secret}"><p>Hello</p>`,
  `<html lang="${secret}" xmlns:o="${secret}"><p>Hello</p>`,
  `<title>${secret}</title><p>Hello</p>`,
  `<meta name="x" content="${secret}"><p>Hello</p>`,
  `<base href="https://x.example/${secret}"><link href="https://x.example/${secret}"><p>Hello</p>`,
  `<template><p>${secret}</p></template><p>Hello</p>`,
  `<noframes>${secret}</noframes><iframe srcdoc="${secret}">${secret}</iframe><p>Hello</p>`,
  `<script>${secret}</script><svg><desc>${secret}</desc></svg><math><annotation>${secret}</annotation></math>Hello`,
  `<picture><source srcset="https://x.example/${secret}" media="${secret}"><img alt="x" src="https://x.example/${secret}"></picture>`,
  `<img srcset="https://x.example/${secret} 2x" longdesc="${secret}" alt="x">`,
  `<img usemap="#${secret}" alt="x"><map name="${secret}"><area href="https://x.example/${secret}" alt="${secret}"></map>`,
  `<p class="${secret}" id="${secret}" data-x="${secret}" ${secret}="1" slot="${secret}" part="${secret}">Hello</p>`,
  `<style>.${secret},#${secret}{color:red}</style><p class="${secret}" id="${secret}">Hello</p>`,
  `<body class="${secret}"><style>.${secret}{color:red}</style><p>Hello</p>`,
  `<style>.${secret}{color:red}</style><p>Hello</p>`,
  `<style>p:not(.${secret}){color:red} p[title="${secret}"]{color:red} p:lang(${secret}){color:red} ${secret} p{color:red}</style><p>Hello</p>`,
  `<style>p::${secret}{color:red} p:${secret}{color:red}</style><p>Hello</p>`,
  `<style>/* ${secret} */p{color:red}</style><p>Hello</p>`,
  `<style>p::after{content:"${secret}"}</style><p style='content:"${secret}"'>Hello</p>`,
  `<style>p{quotes:"${secret}" "x"}</style><p style='quotes:"${secret}" "x"'>Hello</p>`,
  `<style>p{--x:${secret};color:var(--${secret})}</style><p style="--${secret}:1">Hello</p>`,
  `<style>@media ${secret}{p{margin:0}} @media (min-width:9px) and (${secret}:1px){p{margin:0}}</style><p>Hello</p>`,
  `<style media="${secret}">p{margin:0}</style><p>Hello</p>`,
  `<style>@import "${secret}";@namespace "${secret}";@charset "${secret}";@layer ${secret};@keyframes ${secret}{from{color:red}}</style>Hello`,
  `<style>@font-face{font-family:"${secret}";src:url(https://x.example/${secret})}</style><p>Hello</p>`,
  `<p style="font-family:'${secret}',Arial">Hello</p>`,
  `<style>p{font-family:${secret},"x ${secret}"}</style><p>Hello</p>`,
  `<p style="font:12px/1.5 ${secret},Arial">Hello</p>`,
  `<p style="font:${secret} 12px Arial">Hello</p>`,
  `<font face="${secret}" color="${secret}">Hello</font>`,
  `<p style="color:${secret};font-weight:${secret};text-align:${secret}">Hello</p>`,
  `<p style="width:12${secret};color:#${secret}">Hello</p>`,
  `<ul style='list-style:"${secret}"'><li style='list-style-type:"${secret}"'>Hello</ul>`,
  `<p style='text-overflow:"${secret}";text-emphasis:"${secret}";font-feature-settings:"${secret}"'>Hello</p>`,
  `<p style="grid-area:${secret};grid-template-areas:'${secret}';counter-reset:${secret};background:url(${secret})">Hello</p>`,
  `<p lang="${secret}" dir="${secret}" role="${secret}" align="${secret}" title="${secret}" aria-label="${secret}">Hello</p>`,
  `<p aria-hidden="${secret}" aria-describedby="${secret}" hidden="${secret}">Hello</p>`,
  `<ins datetime="${secret}">Hello</ins><time datetime="${secret}">now</time><q cite="${secret}">x</q>`,
  `<table summary="${secret}" frame="${secret}" rules="${secret}"><tr><td headers="${secret}" scope="${secret}" abbr="${secret}" valign="${secret}" bgcolor="${secret}">Hello</table>`,
  `<ol compact="${secret}" reversed="${secret}" type="${secret}"><li>Hello</ol><br clear="${secret}"><hr noshade="${secret}">`,
  `<details open="${secret}"><summary>Hello</summary></details>`,
  `<body text="${secret}" background="https://x.example/${secret}"><p>Hello</p>`,
  `<a href="#${secret}" name="${secret}" ping="https://x.example/${secret}" download="${secret}" hreflang="${secret}">Hello</a>`,
  `<form action="https://x.example/${secret}"><input value="${secret}" placeholder="${secret}"><select><option>${secret}</select></form>Hello`,
])('%s', content => {
  const all = sent(content)
  expect(all).toMatch(/Hello|alt="x"|now/)
  expect(all.toLowerCase()).not.toContain('secret')
  // Raw HTML in Markdown is the same, but for what Markdown shows as text.
  if (!content.startsWith('<![')) expect(sent(`Hello\n\n${content}`, 'markdown').toLowerCase()).not.toContain('secret')
})

test.each([
  `<!-- ${secret} -->`,
  `[//]: # (${secret})`,
  `[x]: https://x.example/ "${secret}"`,
  `[x](https://x.example/ "${secret}")`,
  `![](https://x.example/${secret})`,
  `<b title="${secret}">x</b>`,
  `\`\`\`js ${secret}\ncode\n\`\`\``,
])('what Markdown does not show is not in its text: %s', way => {
  const all = sent(`Hello\n\n${way}\n\nBye`, 'markdown')
  expect(all).toContain('Bye')
  expect(all.toLowerCase()).not.toContain('secret')
})

test('usual styles stay', () => {
  const content =
    '<style>.btn,p{color:#333;font-family:"Segoe UI",Arial,sans-serif}@media screen and (max-width:600px){.btn{width:100%}}</style>' +
    '<p class="btn" lang="de-AT" dir="ltr" align="center" style="margin:0 auto;padding:8px 12px;background:rebeccapurple;border:1px solid #ddd;font:italic 14px/1.5 Georgia,serif">' +
    '<font face="Verdana" color="red">Hello</font></p><table cellpadding="4" bgcolor="#fff"><tr><td valign="top" width="50%">x</table>'
  const { html, style } = writeBody({ format: 'html', content })
  expect(style).toBe(
    '.c1,p{color:#333;font-family:"Segoe UI",Arial,sans-serif}@media screen and (max-width:600px){.c1{width:100%}}',
  )
  expect(html).toContain(
    '<p class="c1" lang="de-AT" dir="ltr" align="center" style="margin:0 auto;padding:8px 12px;background:rebeccapurple;border:1px solid #ddd;font:italic 14px/1.5 Georgia,serif"><font face="Verdana" color="red">',
  )
  expect(html).toContain('<table cellpadding="4" bgcolor="#fff">')
  expect(html).toContain('<td valign="top" width="50%">')
})

test.each([
  'margin-left:-500%',
  'margin-top:300%',
  'margin-top:calc(0px - 900px)',
  'padding-top:200vh',
  'text-indent:-9999px',
  'letter-spacing:-99px',
])('no words are moved out of sight by %s', css =>
  expect(sent(`<p style="${css}">Hello</p><style>i{${css}}</style>`)).not.toContain(css),
)
