/** The cascade: which declarations of style sheets and attributes hold for an element. What they mean is not its business. */
import { compile } from 'css-select'
import { AttributeAction, parse, type Selector, SelectorType } from 'css-what'
import { attributeOf, type HtmlElement, type HtmlNode, isElement, type ParsedHtml, textIn } from './parse-html.ts'
import type { StyleBudget } from './style-budget.ts'
import type { StyleColors } from './style-color.ts'
import { DeclarationReader, type StyleDeclaration } from './style-declarations.ts'
import { compareLayers, SheetReader, type SheetRule } from './style-sheet.ts'

/** By longhand or variable. Small letters only, but in variables. */
export type Style = ReadonlyMap<string, string>

interface Match {
  readonly rule: SheetRule
  readonly matches: (element: HtmlElement) => boolean
  readonly specificity: number
  readonly order: number
}

class BudgetIsOver extends Error {}

const none: Style = new Map()
/** What nobody does while they read, and what browsers know of their own: nothing is ever in this state. */
const never = (
  'hover active focus focus-visible focus-within visited target target-within fullscreen popover-open modal autofill ' +
  'indeterminate invalid valid user-invalid user-valid in-range out-of-range placeholder-shown default defined open ' +
  'playing paused picture-in-picture current past future dir state'
).split(' ')
/** What browsers know too of what css-select knows. */
const known = new Set([
  ...never,
  ...(
    'is where not has root scope empty first-child last-child only-child first-of-type last-of-type only-of-type nth-child ' +
    'nth-last-child nth-of-type nth-last-of-type link any-link checked disabled enabled required optional read-only ' +
    'read-write lang'
  ).split(' '),
])
const pseudos = Object.fromEntries(never.map(name => [name, () => false]))

export class StyleRules {
  readonly #declarations: DeclarationReader
  readonly #budget: StyleBudget
  /** By what the last part of a selector asks for: an id, a class or a tag. */
  readonly #buckets = new Map<string, Match[]>()
  #count = 0

  constructor({ styles }: ParsedHtml, colors: StyleColors, budget: StyleBudget) {
    this.#budget = budget
    this.#declarations = new DeclarationReader(colors, budget)
    const reader = new SheetReader(this.#declarations, budget)
    for (const style of styles) {
      if (isInDocument(style)) reader.read(textIn(style), attributeOf(style, 'media')?.slice(0, 1000).trim() ?? '')
    }
    for (const rule of reader.rules) this.#addRule(rule)
  }

  styleOf(element: HtmlElement): Style {
    const own = attributeOf(element, 'style')
    const inline = own === undefined ? [] : this.#declarations.readAttribute(own)
    const found = this.#count === 0 ? [] : this.#matchesOf(element)
    if (found.length === 0 && inline.length === 0) return none
    const style = new Map<string, string>()
    for (const { rule } of found.sort(byStrength)) putAll(style, rule.declarations, false)
    putAll(style, inline, false)
    if (found.some(({ rule }) => rule.declarations.some(({ isImportant }) => isImportant))) {
      for (const { rule } of found.sort(byImportance)) putAll(style, rule.declarations, true)
    }
    putAll(style, inline, true)
    return style
  }

  #matchesOf(element: HtmlElement): Match[] {
    const found: Match[] = []
    if (!this.#budget.spend(1)) return found
    const classes = attributeOf(element, 'class')
    const id = attributeOf(element, 'id')
    const keys = new Set(['*', element.tagName])
    if (id !== undefined) keys.add(`#${id.toLowerCase()}`)
    if (classes !== undefined && this.#budget.spend(classes.length / 8)) {
      for (const name of classes.toLowerCase().split(/[ \t\n\r\f]+/)) keys.add(`.${name}`)
    }
    try {
      for (const key of keys) {
        for (const match of this.#buckets.get(key) ?? []) if (match.matches(element)) found.push(match)
      }
    } catch (error) {
      if (!(error instanceof BudgetIsOver)) throw error
    }
    return found
  }

  /** Browsers drop the whole rule when they do not understand one of its selectors. */
  #addRule(rule: SheetRule): void {
    if (!this.#budget.spend(50 + rule.selectors.length)) return
    try {
      const added: [string, Match][] = []
      for (const tokens of parse(rule.selectors)) {
        if (tokens.some(isUnknown)) return
        if (tokens.some(isNoElement)) continue
        const specificity = specificityOf(tokens)
        const key = keyOf(tokens)
        const matches = compile<HtmlNode, HtmlElement>([tokens], { adapter: this.#adapter, quirksMode: true, pseudos })
        added.push([key, { rule, matches, specificity, order: this.#count + added.length }])
      }
      for (const [key, match] of added) this.#bucket(key).push(match)
      this.#count += added.length
    } catch (error) {
      // Of the parser and the compiler: not understood, or nested too deeply.
      if (!(error instanceof Error)) throw error
    }
  }

  #bucket(key: string): Match[] {
    const bucket = this.#buckets.get(key) ?? []
    this.#buckets.set(key, bucket)
    return bucket
  }

  /** Each look at the tree is counted, so that no selector costs more than there is. */
  #look(steps = 1): void {
    if (!this.#budget.spend(steps)) throw new BudgetIsOver()
  }

  readonly #adapter = {
    isTag: (node: HtmlNode): node is HtmlElement => {
      this.#look()
      return isElement(node)
    },
    getAttributeValue: (element: HtmlElement, name: string) => {
      const value = attributeOf(element, name)
      this.#look(1 + element.attrs.length / 8 + (value?.length ?? 0) / 16)
      return value
    },
    hasAttrib: (element: HtmlElement, name: string) => {
      this.#look(1 + element.attrs.length / 8)
      return attributeOf(element, name) !== undefined
    },
    getName: ({ tagName }: HtmlElement) => {
      this.#look()
      return tagName
    },
    getParent: ({ parentNode }: HtmlElement): HtmlNode | null => {
      this.#look()
      return parentNode
    },
    getChildren: (node: HtmlNode): HtmlNode[] => {
      this.#look()
      return 'childNodes' in node ? node.childNodes : []
    },
    getSiblings: (node: HtmlNode): HtmlNode[] => {
      this.#look()
      return 'parentNode' in node && node.parentNode ? node.parentNode.childNodes : [node]
    },
    equals: (one: HtmlNode, other: HtmlNode) => {
      this.#look()
      return one === other
    },
    /** Asked for by no selector that browsers know. */
    getText: () => '',
    removeSubsets: (nodes: HtmlNode[]) => nodes,
  }
}

/** Not in a template, which is not shown, whatever its styles. */
function isInDocument(element: HtmlElement): boolean {
  let node: HtmlNode | null = element
  while (node && 'parentNode' in node) node = node.parentNode
  return node?.nodeName === '#document'
}

function putAll(style: Map<string, string>, declarations: readonly StyleDeclaration[], isImportant: boolean): void {
  for (const declaration of declarations) {
    if (declaration.isImportant !== isImportant) continue
    if (declaration.property !== 'all') style.set(declaration.property, declaration.value)
    else {
      for (const name of style.keys()) if (!name.startsWith('--')) style.delete(name)
      style.set('display', 'inline')
    }
  }
}

const byStrength = (one: Match, other: Match) =>
  compareLayers(one.rule.layer, other.rule.layer) || one.specificity - other.specificity || one.order - other.order
const byImportance = (one: Match, other: Match) =>
  compareLayers(other.rule.layer, one.rule.layer) || one.specificity - other.specificity || one.order - other.order

const combinators = new Set<SelectorType>([
  SelectorType.Descendant,
  SelectorType.Child,
  SelectorType.Sibling,
  SelectorType.Adjacent,
])

function keyOf(tokens: readonly Selector[]): string {
  let key = '*'
  for (const token of tokens.toReversed()) {
    if (combinators.has(token.type)) break
    if (token.type === SelectorType.Attribute && token.action === AttributeAction.Equals && token.name === 'id') {
      return `#${token.value.toLowerCase()}`
    }
    if (token.type === SelectorType.Attribute && token.action === AttributeAction.Element && token.name === 'class') {
      key = `.${token.value.toLowerCase()}`
    } else if (token.type === SelectorType.Tag && key === '*') key = token.name.toLowerCase()
  }
  return key
}

/** Selectors, level 4, section 17. */
function specificityOf(tokens: readonly Selector[]): number {
  let sum = 0
  for (const token of tokens) {
    if (token.type === SelectorType.Attribute) {
      sum += token.ignoreCase === 'quirks' && token.name === 'id' ? 1 << 20 : 1 << 10
    } else if (token.type === SelectorType.Tag) sum += 1
    else if (token.type === SelectorType.Pseudo && token.name !== 'where') {
      const inner = Array.isArray(token.data) ? token.data : undefined
      sum += inner ? Math.max(0, ...inner.map(specificityOf)) : 1 << 10
    }
  }
  return sum
}

function isUnknown(token: Selector): boolean {
  if (token.type !== SelectorType.Pseudo || token.name.startsWith('-webkit-')) return false
  return !known.has(token.name) || (Array.isArray(token.data) && token.data.some(inner => inner.some(isUnknown)))
}

/** A part that browsers draw in addition, or a state that only they know. */
function isNoElement(token: Selector): boolean {
  const isOwn = token.type === SelectorType.Pseudo && token.name.startsWith('-webkit-')
  return isOwn || token.type === SelectorType.PseudoElement
}
