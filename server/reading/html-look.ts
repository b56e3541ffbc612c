/** What an element of a mail looks like, as far as it decides whether a person would see its words. It says so when in doubt. */
import type { HtmlElement } from './html-tree.ts'
import { type Color, colorOf, isAlike } from './style-color.ts'
import { propertyOf, type Style } from './style-rules.ts'

export interface Look {
  /** Nothing in it is seen, whatever that says about itself. */
  readonly isGone: boolean
  readonly isVisible: boolean
  readonly fontPx: number
  /** Undefined where it cannot be known. */
  readonly color: Color | undefined
  readonly background: Color | undefined
  readonly isPreformatted: boolean
}

/** A page without any style: black on white. */
export const plainLook: Look = {
  isGone: false,
  isVisible: true,
  fontPx: 16,
  color: [0, 0, 0],
  background: [255, 255, 255],
  isPreformatted: false,
}

/** Smaller letters are not read by anyone. */
const leastFontPx = 3
/** Further out than that nobody scrolls. */
const offScreenPx = -500
const leastOpacity = 0.1
/** No colour takes more to be written, and to look at more takes time. */
const maxColorLength = 100
/** Of a background: an image, a place, a size, a repetition and so on; behind them comes no colour. */
const maxColorWords = 10
/** Names of elements whose words no mail program shows. */
const unseen = new Set(
  'title style script template noscript noframes noembed iframe svg audio video canvas datalist rp'.split(' '),
)
/** What a number of a style sheet means, about. */
const pixelsOf: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '': 1,
    px: 1,
    pt: 4 / 3,
    em: 16,
    rem: 16,
    in: 96,
    cm: 38,
    '%': 10,
    vw: 10,
    vh: 10,
  }),
)

/** Of words; pictures do not shrink with letters. */
export function isSeen({ isGone, isVisible, fontPx, color, background }: Look): boolean {
  if (isGone || !isVisible || fontPx < leastFontPx || color === 'transparent') return false
  return !(color && background && isAlike(color, background))
}

/** What is inherited is; a link has a colour of its own. */
export function lookOf({ name, attributes }: HtmlElement, style: Style, parent: Look): Look {
  const visibility = propertyOf(style, 'visibility') ?? 'inherit'
  return {
    isGone: parent.isGone || isGone(name, attributes, style),
    isVisible: visibility === 'inherit' ? parent.isVisible : !/^(hidden|collapse)/.test(visibility),
    fontPx: fontPxOf(name, attributes, style, parent.fontPx),
    color: textColorOf(name, attributes, style, parent),
    background: backgroundOf(attributes, style, parent),
    isPreformatted: isPreformatted(name, style, parent),
  }
}

/** A picture of a pixel or three tells its sender that it was loaded, and a reader nothing. */
export function isTrackingPixel({ attributes }: HtmlElement, style: Style): boolean {
  const sides = ['width', 'height'].map(side => propertyOf(style, side) ?? attributes.get(side) ?? '')
  return sides.some(side => lengthOf(side) <= 3)
}

function isGone(name: string, attributes: HtmlElement['attributes'], style: Style): boolean {
  if (unseen.has(name) || attributes.has('hidden') || attributes.get('aria-hidden') === 'true') return true
  if (name === 'dialog' && !attributes.has('open')) return true
  if (style.size === 0) return false
  const value = (property: string) => propertyOf(style, property) ?? ''
  return (
    value('display').startsWith('none') ||
    value('content-visibility') === 'hidden' ||
    numberOf(value('opacity')) < leastOpacity ||
    /opacity\(\s*0/.test(value('filter')) ||
    lengthOf(value('max-height')) <= 1 ||
    isClipped(name, style) ||
    isElsewhere(style)
  )
}

/** Cells grow with what is in them, whatever they are told. */
function isClipped(name: string, style: Style): boolean {
  const value = (property: string) => propertyOf(style, property) ?? ''
  if (/rect\(\s*(?:[01](?:px)?[\s,]*){4}\)/.test(value('clip'))) return true
  if (/inset\(\s*(?:[5-9]\d|100)|circle\(\s*0/.test(value('clip-path'))) return true
  if (/scale(?:3d|x|y)?\(\s*(?:(?:0\.?|\.)0*\s*)?[,)]/.test(value('transform')) || numberOf(value('scale')) === 0)
    return true
  const cuts = ['overflow', 'overflow-x', 'overflow-y'].some(property => /hidden|clip/.test(value(property)))
  return cuts && !/^t[dh]$/.test(name) && (lengthOf(value('height')) <= 1 || lengthOf(value('width')) <= 1)
}

function isElsewhere(style: Style): boolean {
  const isFar = (property: string) => lengthOf(propertyOf(style, property) ?? '', true) <= offScreenPx
  if (['text-indent', 'margin-left', 'margin-top'].some(isFar)) return true
  if (/translate\w{0,2}\([^)]{0,60}-\d{3,}/.test(propertyOf(style, 'transform') ?? '')) return true
  const isPlaced = /absolute|fixed|relative/.test(propertyOf(style, 'position') ?? '')
  return isPlaced && ['left', 'right', 'top', 'bottom'].some(isFar)
}

/** A child may be larger again: generators write 0 on the outside so that no gap is left between columns. */
function fontPxOf(name: string, attributes: HtmlElement['attributes'], style: Style, parentPx: number): number {
  const shorthand = /(?:^|\s)(0|[\d.]+(?:px|pt|em|rem|%))(?=[\s/])/.exec(propertyOf(style, 'font') ?? '')?.[1]
  const size = propertyOf(style, 'font-size') ?? shorthand
  if (size === undefined) return name === 'font' && attributes.has('size') ? plainLook.fontPx : parentPx
  const [, number, unit = ''] = /^([\d.]+)([a-z%]*)/.exec(size) ?? []
  if (number === undefined)
    return /^(?:xx?-)?(?:small|large)$|^medium$|^initial$/.test(size) ? plainLook.fontPx : parentPx
  if (unit === 'em') return Number(number) * parentPx
  if (unit === '%') return (Number(number) / 100) * parentPx
  return Number(number) * (pixelsOf.get(unit) ?? 1)
}

function textColorOf(name: string, attributes: HtmlElement['attributes'], style: Style, parent: Look): Look['color'] {
  const color =
    propertyOf(style, 'color') ??
    attributes
      .get(name === 'body' ? 'text' : 'color')
      ?.slice(0, maxColorLength)
      .toLowerCase()
  if (color === 'inherit') return parent.color
  if (color !== undefined) return colorOf(color)
  return name === 'a' && attributes.has('href') ? undefined : parent.color
}

function backgroundOf(attributes: HtmlElement['attributes'], style: Style, parent: Look): Look['background'] {
  const shorthand = propertyOf(style, 'background')
  const image = propertyOf(style, 'background-image') ?? shorthand ?? ''
  if (/url\(|gradient|image/.test(image) || attributes.has('background')) return undefined
  const color =
    propertyOf(style, 'background-color') ??
    shorthand ??
    attributes.get('bgcolor')?.slice(0, maxColorLength).toLowerCase()
  if (color === undefined || /^(?:none|inherit|initial|unset)?$/.test(color)) return parent.background
  const words = color.match(/#[0-9a-f]+|[a-z]+\([^()]*\)|[a-z]+/g) ?? []
  const known = words
    .slice(0, maxColorWords)
    .map(colorOf)
    .find(one => one !== undefined)
  return known === 'transparent' ? parent.background : known
}

function isPreformatted(name: string, style: Style, parent: Look): boolean {
  const space = propertyOf(style, 'white-space')
  if (space !== undefined && space !== 'inherit') return /^(?:pre|break)/.test(space)
  return /^(?:pre|textarea|listing|xmp|plaintext)$/.test(name) || parent.isPreformatted
}

/** In pixels; without an end where there is none. */
function lengthOf(value: string, mayBeNegative = false): number {
  const [, number, unit = ''] = /^(-?[\d.]+)([a-z%]*)/.exec(value) ?? []
  if (number === undefined || (!mayBeNegative && number.startsWith('-'))) return Number.POSITIVE_INFINITY
  return Number(number) * (pixelsOf.get(unit) ?? 1)
}

function numberOf(value: string): number {
  const number = Number.parseFloat(value)
  if (Number.isNaN(number)) return Number.POSITIVE_INFINITY
  return value.endsWith('%') ? number / 100 : number
}
