/**
 * The cascade: finds the declarations of style sheets and attributes that apply to an element. Values are interpreted
 * elsewhere.
 */
import { compile } from 'css-select'
import { attributeOf, type HtmlElement, type HtmlNode, isElement, type ParsedHtml, textIn } from './parse-html.ts'
import type { StyleBudget } from './style-budget.ts'
import type { StyleColors } from './style-color.ts'
import { DeclarationReader, type StyleDeclaration } from './style-declarations.ts'
import { pseudos, readSelectors } from './style-selector.ts'
import { compareLayers, SheetReader, type SheetRule } from './style-sheet.ts'

/** Values by longhand or variable, in lower case except for variables. */
export type Style = ReadonlyMap<string, string>

interface Match {
  readonly rule: SheetRule
  readonly matches: (element: HtmlElement) => boolean
  readonly specificity: number
  readonly order: number
}

class BudgetIsOver extends Error {}

const none: Style = new Map()

export class StyleRules {
  readonly #declarations: DeclarationReader
  readonly #budget: StyleBudget
  /** Rules by what their last compound selector requires: an id, a class or a tag. */
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

  #addRule(rule: SheetRule): void {
    if (!this.#budget.spend(50 + rule.selectors.length)) return
    try {
      const added = (readSelectors(rule.selectors) ?? []).map(({ tokens, key, specificity }, index) => {
        const matches = compile<HtmlNode, HtmlElement>([tokens], { adapter: this.#adapter, quirksMode: true, pseudos })
        return { key, match: { rule, matches, specificity, order: this.#count + index } }
      })
      for (const { key, match } of added) this.#bucket(key).push(match)
      this.#count += added.length
    } catch (error) {
      // Thrown by parser or compiler: not understood, or nested too deeply.
      if (!(error instanceof Error)) throw error
    }
  }

  #bucket(key: string): Match[] {
    const bucket = this.#buckets.get(key) ?? []
    this.#buckets.set(key, bucket)
    return bucket
  }

  /** Charges each access to the tree, so that no selector exceeds the budget. */
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
    /** Not used by any selector that browsers support. */
    getText: () => '',
    removeSubsets: (nodes: HtmlNode[]) => nodes,
  }
}

/** False in a template, which is not displayed, so its styles do not apply. */
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
