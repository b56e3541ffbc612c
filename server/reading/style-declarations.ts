/**
 * Normalises style declarations that affect visibility: expands shorthands, maps old names, and drops what browsers
 * drop.
 */
import type { CssNode } from 'css-tree'
import parse from 'css-tree/parser'
import type { StyleBudget } from './style-budget.ts'
import type { StyleColors } from './style-color.ts'

export interface StyleDeclaration {
  /** A longhand or a variable. */
  readonly property: string
  readonly value: string
  readonly isImportant: boolean
}

/** Maximum length of a value; honest mail has no longer ones, and parsing takes time. */
const maxValueLength = 1000
const size = /^(?:\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?:[a-z]{1,5}|%)?|[a-z-]+(?:\(.*\))?)$/
const place = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?:[a-z]{1,5}|%)?|[a-z-]+(?:\(.*\))?)$/
const number = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?%?|[a-z-]+\(.*\))$/
const any = /./s
const words = (list: string, form: RegExp) => list.split(' ').map(name => [name, form] as const)

/** Syntax of valid values by longhand; colours are parsed instead. */
const forms: ReadonlyMap<string, RegExp> = new Map([
  [
    'display',
    /^(?:none|contents|(?:(?:inline|block|run-in)(?: |$))?(?:flow-root|flow|table|flex|grid|ruby|math)?|list-item|table-[a-z-]+|inline-[a-z-]+|ruby-[a-z-]+|-webkit-(?:inline-)?(?:box|flex))$/,
  ],
  ['visibility', /^(?:visible|hidden|collapse)$/],
  ['content-visibility', /^(?:visible|hidden|auto)$/],
  ['position', /^(?:static|relative|absolute|fixed|sticky|-webkit-sticky)$/],
  ['float', /^(?:none|left|right|inline-start|inline-end)$/],
  ['z-index', /^(?:auto|[+-]?\d+|[a-z]+\(.*\))$/],
  ...words('opacity scale zoom', number),
  ['scale', any],
  ...words('width height max-width max-height min-width min-height', size),
  ...words('padding-top padding-right padding-bottom padding-left', size),
  ...words('margin-top margin-left top right bottom left text-indent', place),
  ...words('overflow-x overflow-y', /^(?:visible|hidden|clip|scroll|auto|overlay)$/),
  ['white-space', /^[a-z- ]+$/],
  ...words('font-size background-image background-clip clip clip-path transform translate rotate filter', any),
  ...words('backface-visibility mask-image mask-size text-shadow text-security font-size-adjust', any),
  ...words('text-stroke border-top border-left color background-color text-fill-color', any),
])
const colors = new Set(['color', 'background-color', 'text-fill-color'])
const fontSize =
  /(?:^|\s)((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?:[a-z]{1,5}|%)?|(?:xx?x?-)?(?:small|large)|medium|larger|smaller|[a-z]+\(.*?\))(?=[\s/])/

const sides = ['top', 'right', 'bottom', 'left']
const boxes: Readonly<Record<string, string[]>> = {
  padding: sides.map(side => `padding-${side}`),
  margin: sides.map(side => `margin-${side}`),
  inset: sides,
}
const aliases: Readonly<Record<string, string>> = {
  'inline-size': 'width',
  'block-size': 'height',
  'max-inline-size': 'max-width',
  'max-block-size': 'max-height',
  'min-inline-size': 'min-width',
  'min-block-size': 'min-height',
  'inset-inline-start': 'left',
  'inset-inline-end': 'right',
  'inset-block-start': 'top',
  'inset-block-end': 'bottom',
  'margin-inline-start': 'margin-left',
  'margin-block-start': 'margin-top',
  'overflow-inline': 'overflow-x',
  'overflow-block': 'overflow-y',
}

/** Properties that matter; most of what mail declares is not among them. */
const mayTell = new Set([
  ...forms.keys(),
  ...Object.keys(aliases),
  ...Object.keys(boxes),
  'overflow',
  'background',
  'font',
  'mask',
  'all',
])

export class DeclarationReader {
  readonly #colors: StyleColors
  readonly #budget: StyleBudget
  /** Parsed attributes; newsletters repeat a few. */
  readonly #known = new Map<string, StyleDeclaration[]>()

  constructor(colors: StyleColors, budget: StyleBudget) {
    this.#colors = colors
    this.#budget = budget
  }

  /** Parses a `style` attribute. */
  readAttribute(css: string): StyleDeclaration[] {
    const known = this.#known.get(css)
    if (known) return known
    const list = this.#budget.spend(20 + css.length / 4) ? parsedCss(css, 'declarationList') : undefined
    if (!list) this.#budget.leaveOut()
    const read = list?.type === 'DeclarationList' ? this.read(list.children) : []
    if (this.#known.size < 1000) this.#known.set(css, read)
    return read
  }

  read(nodes: Iterable<CssNode>): StyleDeclaration[] {
    const all: StyleDeclaration[] = []
    for (const node of nodes) {
      if (node.type !== 'Declaration' || node.value.type !== 'Raw') continue
      const property = withoutEscapes(node.property)
      if (!mayTell.has(property) && !/^-|[A-Z]/.test(property)) continue
      const given = node.value.value
      const value = withoutEscapes(given.includes('/*') ? given.replaceAll(/\/\*.*?(?:\*\/|$)/gs, ' ') : given).trim()
      if (value.length > maxValueLength) this.#budget.leaveOut()
      else this.#add(all, property, value, node.important !== false)
    }
    return all
  }

  #add(all: StyleDeclaration[], given: string, value: string, isImportant: boolean): void {
    const put = (property: string, one: string) => void all.push({ property, value: one, isImportant })
    if (given.startsWith('--')) return put(given, value)
    const lower = value.toLowerCase()
    if (lower === '') return
    const prefixed = given.toLowerCase().replace(/^-webkit-/, '')
    const property = Object.hasOwn(aliases, prefixed) ? aliases[prefixed]! : prefixed
    if (property === 'all') return isWide(lower) ? put('all', lower) : undefined
    const several = Object.hasOwn(boxes, property) ? boxes[property] : undefined
    if (several) {
      const [top = '', right = top, bottom = top, left = right] = wordsOf(lower)
      for (const [index, one] of [top, right, bottom, left].entries()) this.#put(put, several[index]!, one)
    } else if (property === 'overflow') {
      const [x = '', y = x] = wordsOf(lower)
      this.#put(put, 'overflow-x', x)
      this.#put(put, 'overflow-y', y)
    } else if (property === 'background') this.#putBackground(put, lower)
    else if (property === 'font') this.#put(put, 'font-size', isOpen(lower) ? lower : (fontSize.exec(lower)?.[1] ?? ''))
    else if (property === 'mask') for (const name of ['mask-image', 'mask-size']) put(name, lower)
    else this.#put(put, property, lower)
  }

  #putBackground(put: (property: string, value: string) => void, value: string): void {
    const color = isOpen(value) ? value : (wordsOf(value).find(word => this.#colors.isColor(word)) ?? 'transparent')
    put('background-color', color)
    put('background-image', isWide(value) || /\(/.test(value) ? value : 'none')
    put('background-clip', /(?:^|\s)text(?:$|\s)/.test(value) ? 'text' : 'border-box')
  }

  #put(put: (property: string, value: string) => void, property: string, value: string): void {
    const form = forms.get(property)
    if (!form || value === '') return
    const isKept = isOpen(value) || (colors.has(property) ? this.#colors.isColor(value) : form.test(value))
    if (isKept) put(property, value)
  }
}

/** Undefined for CSS nested too deeply for the parser. */
export function parsedCss(css: string, context: string): CssNode | undefined {
  try {
    return parse(css, { context, parseValue: false, parseRulePrelude: false, parseCustomProperty: false })
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** True when the value can only be resolved at the element. */
const isOpen = (value: string) => isWide(value) || value.includes('var(')
const isWide = (value: string) => /^(?:inherit|initial|unset|revert|revert-layer)$/.test(value)

/** Splits at blanks outside of parentheses. */
export function wordsOf(value: string): string[] {
  const found: string[] = []
  let [begin, depth] = [0, 0]
  for (let at = 0; at <= value.length; at++) {
    const letter = value[at] ?? ' '
    if (letter === '(') depth++
    else if (letter === ')') depth--
    else if (depth <= 0 && /[\s,/]/.test(letter)) {
      if (at > begin) found.push(value.slice(begin, at))
      begin = at + 1
    }
  }
  if (begin < value.length) found.push(value.slice(begin))
  return found
}

function withoutEscapes(text: string): string {
  if (!text.includes('\\')) return text
  return text.replaceAll(/\\(?:([0-9a-f]{1,6})\s?|)/gi, (_match, code: string | undefined) => {
    const point = code === undefined ? 0 : Number.parseInt(code, 16)
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ''
  })
}
