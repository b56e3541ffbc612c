/**
 * Flattens the style sheets of a mail to a list of rules: expands nesting, and keeps what applies on a typical screen.
 */
import type { Atrule, CssNode } from 'css-tree'
import generate from 'css-tree/generator'
import { conditionHolds, mediaHolds } from './media-query.ts'
import type { StyleBudget } from './style-budget.ts'
import { type DeclarationReader, parsedCss, type StyleDeclaration } from './style-declarations.ts'

export interface SheetRule {
  readonly selectors: string
  readonly declarations: readonly StyleDeclaration[]
  /** Position in the tree of layers, one number per level; empty outside of layers. */
  readonly layer: readonly number[]
}

/** Bounds of all sheets of a mail: characters, rules, nested blocks, and characters of a selector with its parents. */
const maxLength = 256 * 1024
const maxRules = 10_000
const maxNesting = 12
const maxSelector = 4000
const featureOfOthers = /^-(?:ms|moz|o)-|^-webkit-overflow-scrolling$|^-apple/i

interface Around {
  /** Selectors of the enclosing rule. */
  selectors: string
  layer: LayerNode
  depth: number
}

interface LayerNode {
  path: readonly number[]
  inner: Map<string, LayerNode>
}

export class SheetReader {
  readonly rules: SheetRule[] = []
  readonly #declarations: DeclarationReader
  readonly #budget: StyleBudget
  readonly #layers: LayerNode = { path: [], inner: new Map() }
  #left = maxLength

  constructor(declarations: DeclarationReader, budget: StyleBudget) {
    this.#declarations = declarations
    this.#budget = budget
  }

  read(css: string, media: string): void {
    const text = css.slice(0, Math.max(this.#left, 0))
    this.#left -= text.length + 100
    if (text.length < css.length) this.#budget.leaveOut()
    if (text.trim() !== '') this.#readText(media === '' ? text : `@media ${media}{${text}}`)
  }

  #readText(css: string): void {
    const sheet = parsedCss(css, 'stylesheet')
    if (sheet?.type !== 'StyleSheet') return this.#budget.leaveOut()
    this.#readAll(sheet.children, { selectors: '', layer: this.#layers, depth: 0 })
  }

  #readAll(nodes: Iterable<CssNode>, around: Around): void {
    const own: CssNode[] = []
    for (const node of nodes) {
      if (node.type === 'Declaration') own.push(node)
      else if (node.type === 'Rule' && node.prelude.type === 'Raw') {
        const selectors = nested(node.prelude.value, around.selectors)
        if (this.#mayGoOn(around, selectors)) {
          this.#readAll(node.block.children, { ...around, selectors, depth: around.depth + 1 })
        }
      } else if (node.type === 'Atrule') this.#readAtRule(node, around)
      else if (node.type === 'Raw' && around.selectors !== '') this.#readRaw(node.value, around)
    }
    if (own.length > 0 && around.selectors !== '') this.#add(around, this.#declarations.read(own))
  }

  /** Parses nested rules that do not begin with `&`, which the parser returns as raw text. */
  #readRaw(text: string, around: Around): void {
    if (!this.#mayGoOn(around, '')) return
    const inner = { ...around, depth: around.depth + 1 }
    const block = parsedCss(`{${text}}`, 'block')
    const children = block?.type === 'Block' ? block.children.toArray() : []
    const isWhole = children.length === 1 && children[0]!.type === 'Raw'
    if (!isWhole) return this.#readAll(children, inner)
    const sheet = text.includes('{') ? parsedCss(text, 'stylesheet') : undefined
    if (sheet?.type === 'StyleSheet') this.#readAll(sheet.children, inner)
  }

  #readAtRule({ name, prelude, block }: Atrule, around: Around): void {
    const kind = name.toLowerCase()
    const inner = { ...around, depth: around.depth + 1 }
    if (!this.#mayGoOn(around, '')) return
    if (kind === 'layer') return this.#readLayer(prelude, block, inner)
    if (!block) return
    const isRead = kind === 'media' ? mediaHolds(prelude) : kind === 'supports' && supportsHolds(prelude)
    if (isRead) this.#readAll(block.children, inner)
    if (kind !== 'scope' || prelude?.type !== 'AtrulePrelude') return
    const scope = prelude.children.first
    const root = scope?.type === 'Scope' && scope.root ? generate(scope.root) : undefined
    if (root !== undefined) this.#readAll(block.children, { ...inner, selectors: nested(root, around.selectors) })
  }

  #readLayer(prelude: CssNode | null, block: Atrule['block'], around: Around): void {
    const list = prelude?.type === 'AtrulePrelude' ? prelude.children.first : null
    const names = list?.type === 'LayerList' ? list.children.toArray() : []
    const layers = names.flatMap(layer => (layer.type === 'Layer' ? [layerIn(around.layer, layer.name)] : []))
    if (!block) return
    // No other block can refer to an anonymous layer.
    const layer = layers[0] ?? layerIn(around.layer, `\0${around.layer.inner.size}`)
    this.#readAll(block.children, { ...around, layer })
  }

  #add({ selectors, layer }: Around, declarations: StyleDeclaration[]): void {
    if (declarations.length > 0) this.rules.push({ selectors, declarations, layer: layer.path })
  }

  #mayGoOn({ depth }: Around, selectors: string): boolean {
    const may = depth < maxNesting && selectors.length <= maxSelector && this.rules.length < maxRules
    if (!may) this.#budget.leaveOut()
    return may
  }
}

function layerIn(root: LayerNode, name: string): LayerNode {
  let layer = root
  for (const part of name.split('.')) {
    const inner = layer.inner.get(part) ?? { path: [...layer.path, layer.inner.size], inner: new Map() }
    layer.inner.set(part, inner)
    layer = inner
  }
  return layer
}

/** Orders layers by strength: declarations directly in a layer override those in its sublayers. */
export function compareLayers(one: readonly number[], other: readonly number[]): number {
  for (let level = 0; level < Math.max(one.length, other.length); level++) {
    const difference = (one[level] ?? Number.MAX_SAFE_INTEGER) - (other[level] ?? Number.MAX_SAFE_INTEGER)
    if (difference !== 0) return difference
  }
  return 0
}

function supportsHolds(prelude: CssNode | null): boolean {
  const condition = prelude?.type === 'AtrulePrelude' ? prelude.children.first : null
  if (condition?.type !== 'Condition') return false
  const holds = conditionHolds(condition, node => {
    if (node.type !== 'SupportsDeclaration') return node.type === 'FeatureFunction'
    return !featureOfOthers.test(node.declaration.property)
  })
  return holds === true
}

/** Combines each selector with that of the enclosing rule, in place of `&` or as its ancestor. */
function nested(selectors: string, around: string): string {
  if (around === '') return selectors
  const parent = `:is(${around})`
  const parts = splitSelectors(selectors)
  return parts.map(part => (part.includes('&') ? part.replaceAll('&', parent) : `${parent} ${part.trim()}`)).join(',')
}

/** Splits at commas outside of parentheses. */
function splitSelectors(list: string): string[] {
  const parts: string[] = []
  let [begin, depth] = [0, 0]
  for (let at = 0; at < list.length; at++) {
    const letter = list[at]
    if (letter === '(' || letter === '[') depth++
    else if (letter === ')' || letter === ']') depth--
    else if (letter === ',' && depth === 0) {
      parts.push(list.slice(begin, at))
      begin = at + 1
    }
  }
  return [...parts, list.slice(begin)]
}
