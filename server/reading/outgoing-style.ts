/**
 * Makes the style sheet of an outgoing message show the same words in every window: what a person approves in one is what
 * recipients see in theirs.
 */
import type { CssNode, Declaration, List } from 'css-tree'
import generate from 'css-tree/generator'
import parse from 'css-tree/parser'

/** Properties whose strings show words that are not in the message. */
const wordy = new Set(['content', 'quotes'])
/** Properties allowed in a rule for some window sizes: they move words, and neither hide nor show any. */
const moving: readonly (readonly [property: RegExp, value: RegExp])[] = [
  [/^(?:margin|padding)(?:-[a-z]+)?$/, /^/],
  [/^(?:text-align|float|clear|vertical-align|table-layout|box-sizing)$/, /^/],
  [/^(?:max-)?width$/, /^(?:100%|auto|none)$/],
  [/^(?:max-)?height$/, /^(?:auto|none)$/],
  [/^display$/, /^(?:block|inline|inline-block|table|table-cell|table-row)$/],
  [/^font-size$/, /^(?:[1-4]\d(?:\.\d+)?px|100%)$/],
  [/^line-height$/, /^(?:1(?:\.\d+)?|2|1\d\d%)$/],
]

/** @param sheet Written by `cleanStyleSheet`, so that nothing of it is raw. */
export function steadyStyle(sheet: string): string {
  if (sheet === '') return ''
  const parsed = parse(sheet, { context: 'stylesheet' })
  if (parsed.type !== 'StyleSheet') return ''
  filter(parsed.children, false)
  return generate(parsed).replaceAll(/<(?=[/!])/g, '\\3c ')
}

function filter(list: List<CssNode>, isOfSome: boolean): void {
  list.forEach((node, item) => {
    if (node.type === 'Atrule' && node.block) {
      filter(node.block.children, true)
      if (node.block.children.isEmpty) list.remove(item)
    } else if (node.type === 'Rule') {
      node.block.children.forEach((each, at) => {
        if (each.type === 'Declaration' && !isKept(each, isOfSome)) node.block.children.remove(at)
      })
      if (node.block.children.isEmpty) list.remove(item)
    }
  })
}

function isKept({ property, value }: Declaration, isOfSome: boolean): boolean {
  const name = property.toLowerCase()
  if (wordy.has(name)) return false
  const text = generate(value).toLowerCase()
  return !isOfSome || moving.some(([property, form]) => property.test(name) && form.test(text))
}

const tags = /<[a-z][^>]*>/g
const names = / (class|id)="([^"]*)"/g

/** Drops class and id names that no rule uses, which could carry words unseen. */
export function withoutIdleNames(html: string, sheet: string): string {
  const asked = new Set([...sheet.matchAll(/[.#]([\w-]+)/g)].map(([, name]) => name))
  return html.replaceAll(tags, tag =>
    tag.replaceAll(names, (_all, attribute: string, value: string) => {
      const kept = value.split(/\s+/).filter(name => asked.has(name))
      return kept.length > 0 ? ` ${attribute}="${kept.join(' ')}"` : ''
    }),
  )
}
