/**
 * Makes the styles of an outgoing message show the same words in every window, and carry none of their own: what a
 * person approves is what recipients are sent.
 */
import type { Block, CssNode, Declaration, List, Rule } from 'css-tree'
import generate from 'css-tree/generator'
import parse from 'css-tree/parser'
import walk from 'css-tree/walker'
import { allowedElements } from './html-allowed.ts'
import { names, renamed, tags } from './html-names.ts'
import { isHexColor, isKeyword, isUnit, knownFonts } from './outgoing-words.ts'

/** Properties whose strings show words that are not in the message, or name things. */
const wordy = /^(?:content|quotes|text-emphasis(?:-style)?|grid(?:-.+)?|font-(?:feature|variation)-settings)$/
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
const spacing = /^(?:margin|padding|text-indent|letter-spacing|word-spacing|(?:row-|column-)?gap)/
/** Space that could move words out of sight: negative, computed, or in parts of the window. */
const farSpace = /(?:^|[\s,(])-[\d.]|\(|\dv|[5-9]\d(?:\.\d+)?%|\d{3,}(?:\.\d+)?%/
/** As `fitDeclaration` writes wide space. */
const fitted = /\bmin\([\d.]+[a-z]{1,3},6vw\)/gi
const font =
  /^(?<before>(?:[a-z-]+ ){0,4}[\d.]+(?:px|pt|r?em|%)(?:\/[\d.]+(?:px|pt|r?em|%)?)? ?)(?<families>["'a-z-].*)$/i
/** Words of the condition of a rule for some windows. */
const media =
  /^(?:only|not|and|or|screen|print|all|(?:min|max)-(?:device-)?(?:width|height)|orientation|portrait|landscape|prefers-color-scheme|dark|light|hover|none|px|em|rem)$/i
const pseudo = /^(?:hover|focus|active|link|visited|root|first-child|last-child|nth-child|nth-of-type|before|after)$/i
const selectorTypes = set(
  'Selector TypeSelector ClassSelector IdSelector Combinator PseudoClassSelector PseudoElementSelector Nth AnPlusB Identifier',
)

/** @param style A style attribute written by `cleanStyleAttribute`. */
export function plainAttribute(style: string): string {
  if (style === '') return ''
  const list = parse(style, { context: 'declarationList' })
  if (list.type !== 'DeclarationList') return ''
  list.children.forEach((node, at) => {
    if (node.type !== 'Declaration' || !isPlain(node)) list.children.remove(at)
  })
  return generate(list)
}

/**
 * @param html Our own HTML, whose values contain no quotes or brackets. @param sheet Written by `cleanStyleSheet`, so
 * that nothing of it is raw. @returns Both with new names; those that only one of them uses are dropped.
 */
export function steadyStyle(html: string, sheet: string): { html: string; style: string } {
  const used = new Set<string>()
  for (const [tag] of html.matchAll(tags))
    for (const [, , value = ''] of tag.matchAll(names)) for (const name of value.split(/\s+/)) used.add(name)
  const given = new Map<string, string>()
  const style = filteredSheet(sheet, name => {
    if (!used.has(name)) return undefined
    const known = given.get(name) ?? `c${given.size + 1}`
    given.set(name, known)
    return known
  })
  return { html: renamed(html, given), style }
}

function filteredSheet(sheet: string, nameOf: (name: string) => string | undefined): string {
  if (sheet === '') return ''
  const parsed = parse(sheet, { context: 'stylesheet' })
  if (parsed.type !== 'StyleSheet') return ''
  filter(parsed.children, false, nameOf)
  return generate(parsed).replaceAll(/<(?=[/!])/g, '\\3c ')
}

function filter(list: List<CssNode>, isOfSome: boolean, nameOf: (name: string) => string | undefined): void {
  list.forEach((node, item) => {
    if (node.type === 'Atrule' && node.block) {
      const words = node.prelude ? (generate(node.prelude).match(/[a-z][a-z-]*/gi) ?? []) : []
      filter(node.block.children, true, nameOf)
      if (node.block.children.isEmpty || !words.every(word => media.test(word))) list.remove(item)
    } else if (node.type === 'Rule') {
      filterDeclarations(node.block, isOfSome)
      if (node.block.children.isEmpty || !hasSelector(node, nameOf)) list.remove(item)
    } else list.remove(item)
  })
}

function filterDeclarations({ children }: Block, isOfSome: boolean): void {
  children.forEach((each, at) => {
    if (each.type !== 'Declaration' || !isPlain(each) || (isOfSome && !isMoving(each))) children.remove(at)
  })
}

function isMoving({ property, value }: Declaration): boolean {
  const text = generate(value).toLowerCase()
  return moving.some(([name, form]) => name.test(property.toLowerCase()) && form.test(text))
}

/** Renames what the selectors name, and drops those that match nothing or name anything else. */
function hasSelector({ prelude }: Rule, nameOf: (name: string) => string | undefined): boolean {
  if (prelude.type !== 'SelectorList') return false
  prelude.children.forEach((selector, item) => {
    let isKept = true
    walk(selector, node => {
      if (node.type === 'ClassSelector' || node.type === 'IdSelector') {
        const name = nameOf(node.name)
        if (name === undefined) isKept = false
        else node.name = name
      } else if (node.type === 'TypeSelector') isKept &&= node.name === '*' || isElement(node.name)
      else if (node.type === 'PseudoClassSelector' || node.type === 'PseudoElementSelector')
        isKept &&= pseudo.test(node.name)
      else isKept &&= selectorTypes.has(node.type)
    })
    if (!isKept) prelude.children.remove(item)
  })
  return !prelude.children.isEmpty
}

function isElement(name: string): boolean {
  return allowedElements.has(name.toLowerCase()) || /^(?:html|body)$/i.test(name)
}

/** Drops what could carry words; of fonts the known ones stay. */
function isPlain(declaration: Declaration): boolean {
  const property = declaration.property.toLowerCase()
  if (wordy.test(property) || declaration.value.type !== 'Value') return false
  const text = generate(declaration.value)
  if (property === 'font-family' || property === 'font') {
    const { before = '', families = text } = (property === 'font' && font.exec(text)?.groups) || {}
    const known = property === 'font' && before === '' ? '' : knownFonts(families)
    const words = before.trim().split(/[\s/]+/)
    if (known === '' || !words.every(word => word === '' || /^[\d.]/.test(word) || isKeyword(word))) return false
    const value = parse(`${before}${known}`, { context: 'value' })
    if (value.type === 'Value') declaration.value = value
    return true
  }
  if (spacing.test(property) && farSpace.test(text.replaceAll(fitted, '0'))) return false
  return !walk.find(declaration.value, node => {
    if (node.type === 'Identifier') return !isKeyword(node.name)
    if (node.type === 'Dimension') return !isUnit(node.unit)
    return node.type === 'Hash' ? !isHexColor(node.value) : node.type === 'String'
  })
}

function set(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
