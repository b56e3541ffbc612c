/** Computes the look of an element as far as it decides whether a person sees its words. Counts as visible in doubt. */
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
  /** Nothing inside is visible, whatever descendants say. */
  readonly isGone: boolean
  /** Cut off by an enclosing box, except for descendants positioned outside of it. */
  readonly isCut: boolean
  readonly isCutWherever: boolean
  readonly isVisible: boolean
  readonly fontPx: number
  /** Scale of the letters by enclosing transforms and zooms. */
  readonly scale: number
  readonly opacity: number
  /** The element has an opaque background of its own. */
  readonly isCovering: boolean
  /** An opaque background is behind the words, hiding what is further behind. */
  readonly isBacked: boolean
  readonly indentPx: number
  readonly isPreformatted: boolean
  readonly isFlexible: boolean
  readonly variables: Style
}

export interface Surroundings extends ColorsAround {
  readonly budget: StyleBudget
  /** Positioned content may be in front of a picture or a box of another colour. */
  readonly hasPicturesBehind: boolean
}

/** The look of an unstyled page: black on white. */
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

/** Smaller letters are unreadable. */
const leastFontPx = 3
const outOfLinePx = -500
const set = (list: string) => new Set(list.split(' '))
/** Elements whose words no mail program shows, whatever their styles. */
const unseen = set(
  'title style script template noframes noembed iframe svg audio video datalist rp meter progress ' +
    'annotation annotation-xml head',
)
const inline = set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label map mark nobr q rb rt ruby s samp small span ' +
    'strike strong sub sup time tt u var wbr br',
)
const preformatted = set('pre textarea listing xmp plaintext')
/** Elements with a look of their own even without styles. */
const special = new Set([...unseen, ...preformatted, 'table', 'dialog', 'mark'])
const fontKeywords: Readonly<Record<string, number>> = { smaller: 5 / 6, larger: 6 / 5, inherit: 1, unset: 1 }

/** True when words are visible; pictures do not shrink with letters, see `isShown`. */
export function isSeen(look: Look): boolean {
  if (!isShown(look) || look.fontPx * look.scale < leastFontPx || look.indentPx <= outOfLinePx) return false
  const color = look.fill === 'color' ? look.color : look.fill
  if (look.isOutlined || !color) return true
  if (color[3] * look.opacity < leastOpacity) return false
  const seen = over(color, look.background, look.opacity)
  return !(seen && look.background && isAlike(seen, look.background))
}

/** True when pictures and other content without letters are visible. */
export function isShown({ isGone, isCut, isVisible, opacity, scale }: Look): boolean {
  return !isGone && !isCut && isVisible && opacity >= leastOpacity && scale > 0.05
}

/** Computes the look of an element from its style and its parent's look. */
export function lookOf(element: HtmlElement, given: Style, parent: Look, around: Surroundings): Look {
  const { tagName: name, attrs } = element
  // Fast path: most elements have no style.
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

/** A picture of one to three pixels tracks that the mail was opened, and means nothing to a reader. */
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

/** True when a mask hides everything: it is transparent or has no size. */
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

/** Children may be larger again: generators set 0 on containers to avoid gaps between columns. */
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
