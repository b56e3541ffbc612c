/** Parses selectors of style sheets: validity in browsers, specificity, and lookup keys. */
import { AttributeAction, parse, type Selector, SelectorType } from 'css-what'

export interface ReadSelector {
  readonly tokens: Selector[]
  /** The lookup key, required by the last compound selector: `#id`, `.class`, a tag, or `*`. */
  readonly key: string
  readonly specificity: number
}

/** States that never occur while reading, and browser-internal ones. */
const never = (
  'hover active focus focus-visible focus-within visited target target-within fullscreen popover-open modal autofill ' +
  'indeterminate invalid valid user-invalid user-valid in-range out-of-range placeholder-shown default defined open ' +
  'playing paused picture-in-picture current past future dir state'
).split(' ')
/** Pseudo-classes supported by both browsers and css-select. */
const known = new Set([
  ...never,
  ...(
    'is where not has root scope empty first-child last-child only-child first-of-type last-of-type only-of-type nth-child ' +
    'nth-last-child nth-of-type nth-last-of-type link any-link checked disabled enabled required optional read-only ' +
    'read-write lang'
  ).split(' '),
])
/** Pseudo-classes for the css-select compiler. */
export const pseudos = Object.fromEntries(never.map(name => [name, () => false]))

/** @returns Undefined when browsers would drop the whole rule because of an unknown selector. */
export function readSelectors(list: string): ReadSelector[] | undefined {
  const all = parse(list)
  if (all.some(tokens => tokens.some(isUnknown))) return undefined
  const ofElements = all.filter(tokens => !tokens.some(isNoElement))
  return ofElements.map(tokens => ({ tokens, key: keyOf(tokens), specificity: specificityOf(tokens) }))
}

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

/** Computes the specificity (Selectors level 4, section 17). */
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

/** True for a pseudo-element, or a vendor-specific state. */
function isNoElement(token: Selector): boolean {
  const isOwn = token.type === SelectorType.Pseudo && token.name.startsWith('-webkit-')
  return isOwn || token.type === SelectorType.PseudoElement
}
