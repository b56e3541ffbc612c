/** Determines the colours of an element's words and background. */
import { attributeOf, type HtmlElement } from './parse-html.ts'
import { black, type Color, isAlike, type StyleColors } from './style-color.ts'
import { wordsOf } from './style-declarations.ts'
import type { Style } from './style-rules.ts'

export interface LookColors {
  /** Undefined when it cannot be determined. */
  readonly color: Color | undefined
  /** The colour that letters are filled with. */
  readonly fill: Color | 'color'
  readonly background: Color | undefined
  /** True when a shadow, an outline or a picture clipped to the letters makes them visible. */
  readonly isOutlined: boolean
}

export interface ColorsAround {
  readonly colors: StyleColors
  readonly isQuirky: boolean
  readonly linkColor: Color
  /** The colour that tables reset to in quirks mode. */
  readonly bodyColor: Color | undefined
}

/** Opacity below which nothing is visible. */
export const leastOpacity = 0.1

export function textColorOf(
  element: HtmlElement,
  style: Style,
  parent: LookColors,
  around: ColorsAround,
): LookColors['color'] {
  const { tagName: name } = element
  const value = style.get('color')
  if (value === 'inherit' || value === 'unset' || value === 'currentcolor') return parent.color
  if (value === 'initial') return black
  if (value !== undefined && value !== 'revert') return around.colors.find(value, parent.color)
  const given =
    name === 'body' ? attributeOf(element, 'text') : name === 'font' ? attributeOf(element, 'color') : undefined
  if (given !== undefined) return around.colors.ofAttribute(given) ?? parent.color
  if (name === 'a' && attributeOf(element, 'href') !== undefined) return around.linkColor
  if (name === 'mark') return black
  return name === 'table' && around.isQuirky ? around.bodyColor : parent.color
}

export function fillOf(
  style: Style,
  parent: LookColors,
  color: LookColors['color'],
  { colors }: ColorsAround,
): LookColors['fill'] {
  const value = style.get('text-fill-color')
  if (value === undefined || value === 'inherit') return parent.fill
  return value === 'currentcolor' ? 'color' : (colors.find(value, color) ?? 'color')
}

/** @returns Undefined for none; `picture` when it cannot be determined. */
export function ownBackgroundOf(
  element: HtmlElement,
  style: Style,
  parent: LookColors,
  around: ColorsAround,
): Color | 'picture' | undefined {
  const image = style.get('background-image') ?? ''
  if (/gradient\(/.test(image) && !/url\(/.test(image)) return flatColorOf(image, around) ?? 'picture'
  if (/(?:url|image|image-set|cross-fade)\(/.test(image)) return 'picture'
  if (attributeOf(element, 'background') !== undefined && image === '') return 'picture'
  const value = style.get('background-color')
  if (value === 'inherit') return parent.background
  if (value !== undefined && value !== 'revert') {
    return around.colors.find(value, around.colors.find(style.get('color') ?? '', parent.color) ?? parent.color)
  }
  const given = attributeOf(element, 'bgcolor')
  if (given !== undefined) return around.colors.ofAttribute(given)
  return element.tagName === 'mark' ? [255, 255, 0, 1] : undefined
}

/** Returns the colour of a gradient whose stops are all the same. */
function flatColorOf(image: string, { colors }: ColorsAround): Color | undefined {
  const inside = /gradient\((.*)\)/.exec(image)?.[1] ?? ''
  const stops = colorsAmong(inside, colors)
  const [first] = stops
  if (!first || stops.some(stop => !isAlike(stop, first) || stop[3] !== first[3])) return undefined
  return first
}

function colorsAmong(words: string, colors: StyleColors): Color[] {
  return wordsOf(words)
    .map(word => colors.find(word, undefined))
    .filter(color => color !== undefined)
}

export function isOutlined(style: Style, parent: LookColors, { colors }: ColorsAround): boolean {
  const isText = /(?:^|\s)text/.test(style.get('background-clip') ?? '')
  const shadow = style.get('text-shadow') ?? style.get('text-stroke')
  if (shadow === undefined || shadow === 'inherit') return parent.isOutlined || isText
  const known = colorsAmong(shadow, colors)
  return (
    isText ||
    (shadow !== 'none' && known.every(color => color[3] > leastOpacity) && !/^0/.test(style.get('text-stroke') ?? ''))
  )
}
