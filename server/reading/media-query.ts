/** Evaluates media queries for a typical window: a screen 800 pixels wide, in a light colour scheme, with a mouse. */
import type { Condition, CssNode, Feature, FeatureRange, MediaQuery } from 'css-tree'

/** Values of media features; numbers are pixels, or the feature's own unit. */
const facts: ReadonlyMap<string, number | string> = new Map<string, number | string>(
  Object.entries({
    width: 800,
    height: 600,
    'device-width': 800,
    'device-height': 600,
    'aspect-ratio': 4 / 3,
    color: 8,
    resolution: 1,
    '-webkit-device-pixel-ratio': 1,
    orientation: 'landscape',
    'prefers-color-scheme': 'light',
    'prefers-contrast': 'no-preference',
    'prefers-reduced-motion': 'no-preference',
    'prefers-reduced-transparency': 'no-preference',
    'forced-colors': 'none',
    'inverted-colors': 'none',
    scripting: 'none',
    update: 'fast',
    hover: 'hover',
    'any-hover': 'hover',
    pointer: 'fine',
    'any-pointer': 'fine',
    'overflow-block': 'scroll',
    'display-mode': 'browser',
    'color-gamut': 'srgb',
  }),
)
const pixels: Readonly<Record<string, number>> = { px: 1, em: 16, rem: 16, in: 96, cm: 37.8, mm: 3.78, pt: 4 / 3 }
const resolutions: Readonly<Record<string, number>> = { dppx: 1, x: 1, dpi: 1 / 96, dpcm: 2.54 / 96 }

/** Evaluates the prelude of `@media`. Anything not understood counts as false. */
export function mediaHolds(prelude: CssNode | null): boolean {
  if (prelude?.type !== 'AtrulePrelude') return false
  const list = prelude.children.first
  if (list?.type !== 'MediaQueryList') return prelude.children.isEmpty
  return list.children.toArray().some(query => query.type === 'MediaQuery' && queryHolds(query))
}

function queryHolds({ modifier, mediaType, condition }: MediaQuery): boolean {
  const isType = mediaType === null || /^(?:all|screen)$/i.test(mediaType)
  const holds = isType && (!condition || conditionHolds(condition, featureHolds) === true)
  return modifier?.toLowerCase() === 'not' ? !holds : holds
}

/** Evaluates a condition. Anything not understood counts as false, and so does its negation. */
export function conditionHolds(
  condition: Condition,
  leafHolds: (node: CssNode) => boolean | undefined,
): boolean | undefined {
  let result: boolean | undefined
  let [isNot, isOr] = [false, false]
  for (const node of condition.children.toArray()) {
    if (node.type === 'Identifier') {
      const word = node.name.toLowerCase()
      if (word === 'not') isNot = true
      else isOr = word === 'or'
      continue
    }
    const found = node.type === 'Condition' ? conditionHolds(node, leafHolds) : leafHolds(node)
    const holds = isNot ? found !== undefined && !found : found === true
    result = result === undefined ? holds : isOr ? result || holds : result && holds
    isNot = false
  }
  return result
}

function featureHolds(node: CssNode): boolean | undefined {
  if (node.type === 'Feature') return simpleHolds(node)
  return node.type === 'FeatureRange' ? rangeHolds(node) : undefined
}

function simpleHolds({ name, value }: Feature): boolean | undefined {
  const [, bound, feature = ''] = /^(-webkit-)?(?:(?:min|max)-)?(.*)$/.exec(name.toLowerCase()) ?? []
  const fact = facts.get((bound ?? '') + feature)
  if (fact === undefined) return undefined
  if (value === null) return fact !== 'none' && fact !== 'no-preference' && fact !== 0
  if (value.type === 'Identifier') return value.name.toLowerCase() === fact
  const number = numberOf(value)
  if (number === undefined || typeof fact === 'string') return undefined
  if (/^(?:-webkit-)?min-/i.test(name)) return fact >= number
  return /^(?:-webkit-)?max-/i.test(name) ? fact <= number : fact === number
}

function rangeHolds({ left, leftComparison, middle, rightComparison, right }: FeatureRange): boolean | undefined {
  const first = compare(left, leftComparison, middle)
  return first && right && rightComparison ? compare(middle, rightComparison, right) : first
}

function compare(left: CssNode, comparison: string, right: CssNode): boolean | undefined {
  const [one, other] = [factOf(left), factOf(right)]
  if (one === undefined || other === undefined) return undefined
  if (comparison.startsWith('<')) return one < other || (comparison === '<=' && one === other)
  if (comparison.startsWith('>')) return one > other || (comparison === '>=' && one === other)
  return one === other
}

function factOf(node: CssNode): number | undefined {
  const fact = node.type === 'Identifier' ? facts.get(node.name.toLowerCase()) : numberOf(node)
  return typeof fact === 'number' ? fact : undefined
}

function numberOf(node: CssNode): number | undefined {
  if (node.type === 'Number') return Number(node.value)
  if (node.type === 'Ratio') {
    const [left, right] = [numberOf(node.left), node.right ? numberOf(node.right) : 1]
    return left !== undefined && right ? left / right : undefined
  }
  if (node.type !== 'Dimension') return undefined
  const unit = node.unit.toLowerCase()
  const factor = pixels[unit] ?? resolutions[unit]
  return factor === undefined ? undefined : Number(node.value) * factor
}
