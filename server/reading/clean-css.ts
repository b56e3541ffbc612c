/** Sanitises a stranger's CSS by parsing and rewriting it: no imports, no fonts, and only permitted pictures. */

import type { CssNode, Declaration, List, Rule } from 'css-tree'
import generate from 'css-tree/generator'
import parse from 'css-tree/parser'
import walk from 'css-tree/walker'
import { fitDeclaration, type StyledElement } from './fit-css.ts'
import { type PictureRules, pictureUrl } from './stranger-url.ts'

/** Property families that are allowed with all their longhands (`border-left-width`). */
const families =
  /^(?:background|border|font|list-style|margin|outline|padding|text-decoration|text-emphasis|column|flex|grid|align|justify|place|overflow|break|page-break)(?:-[a-z-]+)?$/

/**
 * Allowed properties. Excluded are those that keep mail from fitting a narrow pane: `min-width`, absolute positions,
 * and rules against breaking long words.
 */
const single = new Set(
  (
    'aspect-ratio box-shadow box-sizing caption-side clear clip color color-scheme columns content cursor ' +
    'direction display empty-cells float gap height hyphens letter-spacing line-height ' +
    'max-height max-width min-height mix-blend-mode object-fit object-position opacity order orphans quotes ' +
    'row-gap tab-size table-layout text-align text-align-last text-indent text-orientation text-overflow ' +
    'text-shadow text-transform text-underline-offset unicode-bidi vertical-align visibility white-space widows ' +
    'width word-spacing writing-mode -webkit-text-size-adjust ' +
    '-ms-text-size-adjust text-size-adjust -webkit-text-fill-color'
  ).split(' '),
)

const functions = new Set(
  (
    'rgb rgba hsl hsla hwb lab lch oklab oklch color-mix calc min max clamp linear-gradient radial-gradient ' +
    'conic-gradient repeating-linear-gradient repeating-radial-gradient minmax repeat fit-content rect inset ' +
    'counter'
  ).split(' '),
)

function isAllowedProperty(name: string): boolean {
  return families.test(name) || single.has(name)
}

/** True for properties that may contain a picture. */
function mayHoldPicture(property: string): boolean {
  return /^(?:background|background-image|list-style|list-style-image)$/.test(property)
}

/** True for functions that load nothing and compute in bounded time. */
function isAllowedFunction(name: string): boolean {
  return functions.has(name.toLowerCase())
}

/** Maximum length of a style attribute; longer ones are dropped. */
const maxStyleAttribute = 16_384
/** Budget of all style sheets of a message; those above it are dropped. */
export const maxStyleSheets = 256 * 1024
/** Maximum depth of nested `@media`. */
const maxNesting = 3
/** Maximum number of parts in a selector, since each makes matching more expensive. */
const maxSelectorParts = 24

const valueTypes: ReadonlySet<CssNode['type']> = new Set<CssNode['type']>([
  'Value',
  'Identifier',
  'Number',
  'Dimension',
  'Percentage',
  'Hash',
  'String',
  'Operator',
  'Function',
  'Parentheses',
  'Url',
])

/** @returns The sheet for a `<style>` element; empty when nothing in it is allowed. */
export function cleanStyleSheet(css: string, rules: PictureRules): string {
  const sheet = parsed(css, 'stylesheet')
  if (sheet?.type !== 'StyleSheet') return ''
  filterRules(sheet.children, rules, 0)
  // No string or name may close the element.
  return generate(sheet).replaceAll(/<(?=[/!])/g, '\\3c ')
}

/**
 * @returns Unescaped declarations for a `style` attribute, without `!important`: an attribute overrides the sender's
 * sheets anyway, and must not override ours.
 */
export function cleanStyleAttribute(css: string, element: StyledElement, rules: PictureRules): string {
  if (css.length > maxStyleAttribute) return ''
  const list = parsed(css, 'declarationList')
  if (list?.type !== 'DeclarationList') return ''
  filterDeclarations(list.children, element, rules)
  list.children.forEach(node => {
    if (node.type === 'Declaration') node.important = false
  })
  return generate(list)
}

/** CSS nested too deeply for the parser is dropped. */
function parsed(css: string, context: string): CssNode | undefined {
  try {
    return parse(css, { context, parseCustomProperty: false })
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined
    throw error
  }
}

function filterRules(list: List<CssNode>, rules: PictureRules, depth: number): void {
  list.forEach((node, item) => {
    if (!isKept(node, rules, depth)) list.remove(item)
  })
}

function isKept(node: CssNode, rules: PictureRules, depth: number): boolean {
  if (node.type === 'Rule') return isKeptRule(node, rules)
  if (node.type !== 'Atrule' || node.name.toLowerCase() !== 'media' || depth >= maxNesting) return false
  if (node.prelude?.type !== 'AtrulePrelude' || !node.block || hasRaw(node.prelude)) return false
  filterRules(node.block.children, rules, depth + 1)
  return !node.block.children.isEmpty
}

function isKeptRule({ prelude, block }: Rule, rules: PictureRules): boolean {
  if (prelude.type !== 'SelectorList' || hasRaw(prelude)) return false
  const isLong = walk.find(prelude, node => node.type === 'Selector' && node.children.size > maxSelectorParts)
  if (isLong) return false
  filterDeclarations(block.children, undefined, rules)
  return !block.children.isEmpty
}

function filterDeclarations(list: List<CssNode>, element: StyledElement, rules: PictureRules): void {
  list.forEach((node, item) => {
    if (node.type !== 'Declaration' || !isKeptDeclaration(node, element, rules)) list.remove(item)
  })
}

function isKeptDeclaration(declaration: Declaration, element: StyledElement, rules: PictureRules): boolean {
  const { value } = declaration
  const property = declaration.property.toLowerCase()
  if (!isAllowedProperty(property) || value.type !== 'Value') return false
  const isStrange = walk.find(value, node => {
    if (!valueTypes.has(node.type)) return true
    if (node.type === 'Function') return !isAllowedFunction(node.name)
    return node.type === 'Url' && !mayHoldPicture(property)
  })
  if (isStrange) return false
  // The rest of a shorthand stays, such as a colour behind a hidden picture.
  value.children.forEach((node, item) => {
    if (node.type !== 'Url') return
    const url = pictureUrl(node.value, rules)
    if (url === undefined) item.data = { type: 'Identifier', name: 'none' }
    else node.value = url
  })
  // Nested deeper, a URL is inside a function where it has no meaning.
  if (walk.find(value, (node, _item, list) => node.type === 'Url' && list !== value.children)) return false
  return fitDeclaration(declaration, value, element)
}

function hasRaw(node: CssNode): boolean {
  return walk.find(node, ({ type }) => type === 'Raw') !== null
}
