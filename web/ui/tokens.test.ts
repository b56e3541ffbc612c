/** Text is readable in both themes: WCAG 2.2 AA (success criteria 1.4.3 and 1.4.11), computed from the tokens. */
/// <reference types="node" />
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
const themes = { light: tokensOf(':root {'), dark: tokensOf(':root[data-theme="dark"] {') }
const tones = ['good', 'warn', 'bad', 'info', 'accent']
const grounds = ['canvas', 'surface', 'sunken', 'raised']

const textPairs = [
  ...['ink', 'soft', 'muted', 'accent'].flatMap(text => grounds.map(ground => [text, ground])),
  ...tones.flatMap(tone => [
    [tone, `${tone}-tint`],
    [tone, 'surface'],
    ['ink', `${tone}-tint`],
    ['soft', `${tone}-tint`],
  ]),
  ...['accent-fill', 'accent-fill-hover', 'bad-fill', 'bad-fill-hover'].map(fill => ['on-fill', fill]),
]

test.each(Object.entries(themes))('text stands out 4.5 to 1 in the %s theme', (_, tokens) => {
  const weak = textPairs.filter(([text, ground]) => contrast(tokens[text!]!, tokens[ground!]!) < 4.5)
  expect(weak).toEqual([])
})

test.each(Object.entries(themes))('the edges of controls stand out 3 to 1 in the %s theme', (_, tokens) => {
  for (const ground of ['surface', 'raised']) {
    expect(contrast(tokens['line-strong']!, tokens[ground]!)).toBeGreaterThanOrEqual(3)
  }
})

function tokensOf(opening: string): Record<string, string> {
  const start = css.indexOf(opening)
  const block = css.slice(start, css.indexOf('}', start))
  return Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]))
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map(start => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
