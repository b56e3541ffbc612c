/** What an element of a mail looks like, as far as it decides whether a person would see its words. It says so when in doubt. */
import { type Box, cuts, isClipped, isElsewhere, isTooSmall, scaleOf } from './html-box.ts'
import {
  type ColorsAround,
  fillOf,
  isOutlined,
  type LookColors,
  leastOpacity,
  ownBackgroundOf,
  textColorOf,
} from './html-colors.ts'
import { attributeOf, type HtmlElement } from './parse-html.ts'
import type { StyleBudget } from './style-budget.ts'
import { black, isAlike, over, white } from './style-color.ts'
import type { Style } from './style-rules.ts'
import { lengthOf, numberOf, withVariables } from './style-values.ts'

export interface Look extends LookColors {
  /** Nothing in it is seen, whatever that says about itself. */
  readonly isGone: boolean
  /** Cut away by a box around it; not so what is placed outside of that. */
  readonly isCut: boolean
  readonly isCutWherever: boolean
  readonly isVisible: boolean
  readonly fontPx: number
  /** Of the letters, by what is turned, shrunk or zoomed around them. */
  readonly scale: number
  readonly opacity: number
  /** It has a colour of its own behind its words. */
  readonly isCovering: boolean
  /** There is a colour behind the words that covers what is further behind. */
  readonly isBacked: boolean
  readonly indentPx: number
  readonly isPreformatted: boolean
  readonly isFlexible: boolean
  readonly variables: Style
}

export interface Surroundings extends ColorsAround {
  readonly budget: StyleBudget
  /** What is placed here may stand before a picture or a box of another colour. */
  readonly hasPicturesBehind: boolean
}

/** A page without any style: black on white. */
export const plainLook: Look = {
  isGone: false,
  isCut: false,
  isCutWherever: false,
  isVisible: true,
  fontPx: 16,
  scale: 1,
  opacity: 1,
  color: black,
  fill: 'color',
  background: white,
  isOutlined: false,
  isCovering: false,
  isBacked: false,
  indentPx: 0,
  isPreformatted: false,
  isFlexible: false,
  variables: new Map(),
}

/** Smaller letters are not read by anyone. */
const leastFontPx = 3
const outOfLinePx = -500
const set = (list: string) => new Set(list.split(' '))
/** Names of elements whose words no mail program shows, whatever their styles. */
const unseen = set(
  'title style script template noframes noembed iframe svg audio video datalist rp meter progress ' +
    'annotation annotation-xml head',
)
const inline = set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label map mark nobr q rb rt ruby s samp small span ' +
    'strike strong sub sup time tt u var wbr br',
)
const preformatted = set('pre textarea listing xmp plaintext')
/** They look like something without any style. */
const special = new Set([...unseen, ...preformatted, 'table', 'dialog', 'mark'])
const fontKeywords: Readonly<Record<string, number>> = { smaller: 5 / 6, larger: 6 / 5, inherit: 1, unset: 1 }

/** Of words; pictures do not shrink with letters. */
export function isSeen(look: Look): boolean {
  if (!isShown(look) || look.fontPx * look.scale < leastFontPx || look.indentPx <= outOfLinePx) return false
  const color = look.fill === 'color' ? look.color : look.fill
  if (look.isOutlined || !color) return true
  if (color[3] * look.opacity < leastOpacity) return false
  const seen = over(color, look.background, look.opacity)
  return !(seen && look.background && isAlike(seen, look.background))
}

/** Of pictures, and of all that has no letters. */
export function isShown({ isGone, isCut, isVisible, opacity, scale }: Look): boolean {
  return !isGone && !isCut && isVisible && opacity >= leastOpacity && scale > 0.05
}

/** What is inherited is. */
export function lookOf(element: HtmlElement, given: Style, parent: Look, around: Surroundings): Look {
  const { tagName: name, attrs } = element
  // Most elements say nothing of their looks.
  if (given.size === 0 && attrs.length === 0 && !parent.isFlexible && !special.has(name)) return parent
  const { style, variables } = withVariables(given, parent.variables, around.budget)
  const fontPx = fontPxOf(element, style, parent, around)
  const position = style.get('position') ?? 'static'
  const isPlaced = position === 'absolute' || position === 'fixed'
  const display =
    style.get('display') ?? (name === 'td' || name === 'th' ? 'table-cell' : inline.has(name) ? 'inline' : 'block')
  const isAfloat = isPlaced || /^(?:left|right|inline)/.test(style.get('float') ?? '') || parent.isFlexible
  const isBoxless = display === 'contents'
  const box: Box = {
    style,
    fontPx,
    isInline: isBoxless || (display === 'inline' && !isAfloat),
    isCell: display === 'table-cell' && !isAfloat,
    isPlaced,
    isQuirky: around.isQuirky,
    budget: around.budget,
  }
  const isTooSmallHere = isTooSmall(box)
  const isCutAround = isPlaced ? parent.isCutWherever : parent.isCut
  const own = isBoxless ? undefined : ownBackgroundOf(element, style, parent, around)
  const behind = position !== 'static' && around.hasPicturesBehind ? undefined : parent.background
  const background = own === 'picture' ? undefined : own ? over(own, behind) : behind
  const isCovering = Array.isArray(own) && own[3] > 0.95 && name !== 'body'
  const color = textColorOf(element, style, parent, around)
  const isOwnLayer = ['transform', 'filter', 'opacity', 'isolation'].some(property => style.has(property))
  const zIndex = Number(style.get('z-index') ?? 0)
  const isBehind = zIndex < 0 && (position !== 'static' || parent.isFlexible) && parent.isBacked
  const visibility = style.get('visibility') ?? 'inherit'
  return {
    isGone: parent.isGone || isBehind || isGone(element, style, box, isBoxless),
    isCut: isCutAround || isTooSmallHere,
    isCutWherever: parent.isCutWherever || (isTooSmallHere && position !== 'static'),
    isVisible: /^(?:inherit|unset)$/.test(visibility) ? parent.isVisible : !/^(?:hidden|collapse)/.test(visibility),
    fontPx,
    scale: parent.scale * scaleOf(box),
    opacity: isBoxless ? parent.opacity : parent.opacity * opacityOf(box),
    color,
    fill: fillOf(style, parent, color, around),
    background,
    isOutlined: isOutlined(style, parent, around),
    isCovering,
    isBacked: isCovering || (parent.isBacked && !isOwnLayer && !(position !== 'static' && style.has('z-index'))),
    indentPx: indentOf(box, parent),
    isPreformatted: isPreformatted(name, style, parent),
    isFlexible: /(?:flex|grid|box)$/.test(display),
    variables,
  }
}

/** A picture of a pixel or three tells its sender that it was loaded, and a reader nothing. */
export function isTrackingPixel(element: HtmlElement, style: Style): boolean {
  const sides = ['width', 'height'].map(side => style.get(side) ?? attributeOf(element, side) ?? '')
  return sides.some(side => /^\s*[0-3](?:\.\d+)?\s*(?:px)?\s*$/.test(side))
}

function isGone(element: HtmlElement, style: Style, box: Box, isBoxless: boolean): boolean {
  const { tagName: name } = element
  if (unseen.has(name)) return true
  const display = style.get('display')
  if (display === 'none') return true
  if (display === undefined || display === 'revert') {
    if (attributeOf(element, 'hidden') !== undefined || attributeOf(element, 'popover') !== undefined) return true
    if (name === 'dialog' && attributeOf(element, 'open') === undefined) return true
  }
  if (isBoxless) return false
  const value = (property: string) => style.get(property) ?? ''
  if (value('content-visibility') === 'hidden' && !box.isInline) return true
  return isClipped(box) || isElsewhere(box) || isMasked(style) || /^(?:disc|circle|square)/.test(value('text-security'))
}

/** All of it, by a picture that lets nothing through or has no size. */
function isMasked(style: Style): boolean {
  const image = style.get('mask-image') ?? ''
  if (!image.includes('(')) return false
  const stops = /gradient\((.*)\)/.exec(image)?.[1]
  if (stops !== undefined && /transparent|rgba?\([^()]*[, /]0%?\s*\)|#[\da-f]{6}00/.test(stops)) {
    const left = stops.replaceAll(/transparent|rgba?\([^()]*[, /]0%?\s*\)|#(?:[\da-f]{6}00|[\da-f]{3}0)\b/g, '')
    return !/#|[a-z]+\(|\b(?!to\b|at\b|top\b|left\b|right\b|bottom\b|circle\b|ellipse\b|deg\b|turn\b|px\b)[a-z]{3,}/.test(
      left,
    )
  }
  return /^0(?:px|%)?(?:\s+0(?:px|%)?)?$/.test(style.get('mask-size') ?? '')
}

function opacityOf({ style, budget }: Box): number {
  const own = numberOf(style.get('opacity') ?? '', budget) ?? 1
  const filtered = /opacity\(([^()]*)\)/.exec(style.get('filter') ?? '')?.[1]
  const filter = filtered === undefined ? 1 : (numberOf(filtered.trim(), budget) ?? 1)
  return Math.min(Math.max(own, 0), 1) * Math.min(Math.max(filter, 0), 1)
}

/** A child may be larger again: generators write 0 on the outside so that no gap is left between columns. */
function fontPxOf(element: HtmlElement, style: Style, parent: Look, { budget, isQuirky }: Surroundings): number {
  const size = style.get('font-size')
  if (/^0*\.?0*$/.test(style.get('font-size-adjust') ?? 'none')) return 0
  if (size === undefined) {
    const isReset =
      (element.tagName === 'table' && isQuirky) || (element.tagName === 'font' && attributeOf(element, 'size'))
    return isReset ? plainLook.fontPx : parent.fontPx
  }
  const factor = Object.hasOwn(fontKeywords, size) ? fontKeywords[size] : undefined
  if (factor !== undefined) return factor * parent.fontPx
  return lengthOf(size, { em: parent.fontPx, percent: parent.fontPx }, budget) ?? plainLook.fontPx
}

function indentOf(box: Box, parent: Look): number {
  const value = box.style.get('text-indent')
  if (value === undefined) return parent.indentPx
  const indent = lengthOf(value, { em: box.fontPx, percent: 100 }, box.budget) ?? 0
  const isPushedOut = cuts(box) && value.endsWith('%') && indent >= 100
  return isPushedOut ? outOfLinePx : indent
}

function isPreformatted(name: string, style: Style, parent: Look): boolean {
  const space = style.get('white-space')
  if (space !== undefined && space !== 'inherit') return /^(?:pre|break)/.test(space)
  return preformatted.has(name) || parent.isPreformatted
}
