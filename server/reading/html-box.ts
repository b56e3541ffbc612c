/**
 * Detects boxes that hide their words: too small with overflow cut off, clipped, moved off-screen, rotated or scaled to
 * nothing.
 */
import type { StyleBudget } from './style-budget.ts'
import { wordsOf } from './style-declarations.ts'
import type { Style } from './style-rules.ts'
import { lengthOf, numberOf } from './style-values.ts'

export interface Box {
  readonly style: Style
  readonly fontPx: number
  /** Inline boxes have no size of their own, and cannot be transformed. */
  readonly isInline: boolean
  /** Cells grow with their content, whatever size is set. */
  readonly isCell: boolean
  readonly isPlaced: boolean
  readonly isQuirky: boolean
  readonly budget: StyleBudget
}

/** Size up to which nothing of a line of text is visible. */
const leastPx = 2
/** Offsets beyond which nothing is visible; one can scroll to the right, but nobody scrolls that far. */
const outLeftPx = -500
const outRightPx = 5000
const [windowWidth, windowHeight] = [800, 600]
/** Properties without any of which an element keeps its surrounding scale. */
const shaping = ['zoom', 'transform', 'scale', 'rotate', 'translate']

export function cuts({ style }: Box): boolean {
  return ['overflow-x', 'overflow-y'].some(name => /^(?:hidden|clip|auto|scroll|overlay)/.test(style.get(name) ?? ''))
}

/** True when the box cuts off overflow and has no room for words. */
export function isTooSmall(box: Box): boolean {
  if (box.isInline || box.isCell || !cuts(box)) return false
  return isFlat(box, 'height', 'padding-bottom') || isFlat(box, 'width', 'padding-right')
}

function isFlat(box: Box, side: 'width' | 'height', padding: string): boolean {
  const size = (name: string) => sizeOf(box, name, side)
  const most = Math.min(size(side) ?? Number.POSITIVE_INFINITY, size(`max-${side}`) ?? Number.POSITIVE_INFINITY)
  return Math.max(most, size(`min-${side}`) ?? 0) + (size(padding) ?? 0) <= leastPx
}

/** A percentage of an unknown height is undefined; in quirks mode it is one of the window. */
function sizeOf({ style, fontPx, budget, isQuirky }: Box, name: string, side: 'width' | 'height'): number | undefined {
  const value = style.get(name)
  if (value === undefined || (side === 'height' && value.endsWith('%') && !name.startsWith('padding') && !isQuirky))
    return undefined
  return lengthOf(value, { em: fontPx, percent: windowWidth }, budget)
}

export function isClipped(box: Box): boolean {
  const { style, fontPx, budget, isPlaced } = box
  if (!style.has('clip') && !style.has('clip-path')) return false
  const measure = { em: fontPx, percent: 100 }
  const clip = isPlaced ? /^rect\((.*)\)$/.exec(style.get('clip') ?? '')?.[1] : undefined
  if (clip !== undefined) {
    const [top, right, bottom, left] = wordsOf(clip).map(word => lengthOf(word, measure, budget))
    if (isNone(top, bottom) || isNone(left, right)) return true
  }
  const [, shape = '', inside = ''] = /^(?:[a-z-]+ )?([a-z]+)\((.*)\)/.exec(style.get('clip-path') ?? '') ?? []
  // A percentage counts fully; pixels are compared with the size of a line of words.
  const parts = wordsOf(inside.replace(/\bround\b.*/, ''))
  const shares = parts.map(word =>
    word.endsWith('%') ? lengthOf(word, measure, budget) : (lengthOf(word, measure, budget) ?? 50) / 2,
  )
  if (shape === 'inset') {
    const [top = 0, right = top, bottom = top, left = right] = shares
    return (top ?? 0) + (bottom ?? 0) >= 100 || (left ?? 0) + (right ?? 0) >= 100
  }
  if (shape === 'circle') return isZero(shares[0], parts[0])
  if (shape === 'ellipse') return isZero(shares[0], parts[0]) || isZero(shares[1], parts[1])
  if (shape === 'xywh') return isZero(shares[2], parts[2]) || isZero(shares[3], parts[3])
  if (shape === 'rect') return isNone(shares[0], shares[2]) || isNone(shares[3], shares[1])
  return shape === 'polygon' && isLine(inside, box)
}

const isNone = (one: number | undefined, other: number | undefined) =>
  one !== undefined && other !== undefined && other - one <= leastPx
const isZero = (size: number | undefined, word: string | undefined) =>
  word !== undefined && word !== 'at' && size !== undefined && size <= 0.5

/** True when all corners share one coordinate. */
function isLine(corners: string, { fontPx, budget }: Box): boolean {
  const places = corners
    .split(',', 50)
    .map(corner =>
      wordsOf(corner.replace(/^\s*(?:nonzero|evenodd)\s*$/, '')).map(word =>
        lengthOf(word, { em: fontPx, percent: 100 }, budget),
      ),
    )
    .filter(place => place.length === 2)
  if (places.length === 0) return false
  return [0, 1].some(axis => places.every(place => place[axis] !== undefined && place[axis] === places[0]![axis]))
}

export function isElsewhere(box: Box): boolean {
  const { style, fontPx, budget, isPlaced, isInline } = box
  const placeOf = (name: string, percent = windowWidth) => {
    const value = style.get(name)
    return value === undefined ? 0 : (lengthOf(value, { em: fontPx, percent }, budget) ?? 0)
  }
  const isOut = (name: string) => placeOf(name) <= outLeftPx
  if (isOut('margin-left') || placeOf('margin-left') >= outRightPx || (!isInline && isOut('margin-top'))) return true
  if (isPlaced || style.get('position') === 'relative') {
    if (isOut('left') || placeOf('left') >= outRightPx || placeOf('top', windowHeight) <= outLeftPx) return true
    if (Math.abs(placeOf('right')) >= outRightPx || Math.abs(placeOf('bottom')) >= outRightPx) return true
    if (style.get('position') === 'fixed' && isOutsideOfWindow(placeOf)) return true
  }
  return false
}

/** Fixed elements cannot be scrolled into view. */
function isOutsideOfWindow(placeOf: (name: string, percent?: number) => number): boolean {
  const across = ['left', 'right'].some(name => placeOf(name) >= windowWidth)
  return across || ['top', 'bottom'].some(name => placeOf(name, windowHeight) >= windowHeight)
}

/** Returns the scale of the letters in the box; 0 when rotated edge-on or moved out of sight. */
export function scaleOf(box: Box): number {
  const { style, isInline, budget } = box
  if (!shaping.some(name => style.has(name))) return 1
  const zoom = style.get('zoom')
  let scale = zoom === undefined ? 1 : (numberOf(zoom, budget) ?? 1) || 1
  if (isInline) return scale
  const transforms = [style.get('transform') ?? '']
  for (const name of ['scale', 'rotate', 'translate']) {
    const value = style.get(name)
    if (value !== undefined) transforms.push(`${name}(${wordsOf(value).join(',')})`)
  }
  for (const [, name = '', inside = ''] of transforms
    .join(' ')
    .matchAll(/([a-z\d]+)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g)) {
    scale *= scaleOfFunction(name, wordsOf(inside), box)
  }
  const isTurnedAway =
    style.get('backface-visibility') === 'hidden' && /rotate[xy]\(-?(?:180deg|\.?0?\.5turn)/.test(transforms[0]!)
  return isTurnedAway ? 0 : scale
}

function scaleOfFunction(name: string, args: string[], { fontPx, budget }: Box): number {
  const numbers = args.map(arg => numberOf(arg, budget) ?? 1)
  const [one = 1, two = one] = numbers
  if (/^scale(?:3d|x|y)?$/.test(name)) return Math.min(Math.abs(one), Math.abs(/^scale(?:3d)?$/.test(name) ? two : 1))
  if (name === 'matrix') return Math.abs(numbers[0]! * numbers[3]! - numbers[1]! * numbers[2]!) < 0.01 ? 0 : 1
  if (name === 'matrix3d') return Math.abs(numbers[0]! * numbers[5]! - numbers[1]! * numbers[4]!) < 0.01 ? 0 : 1
  if (/^rotate[xy]$/.test(name)) return Math.abs(Math.cos(radiansOf(args[0] ?? ''))) < 0.05 ? 0 : 1
  if (!name.startsWith('translate')) return 1
  const places = args.map(
    (arg, index) => lengthOf(arg, { em: fontPx, percent: index === 0 ? windowWidth : 100 }, budget) ?? 0,
  )
  const [x = 0, y = 0] = name === 'translatey' ? [0, places[0]] : places
  return x <= outLeftPx || x >= outRightPx || y <= outLeftPx || y >= outRightPx ? 0 : 1
}

function radiansOf(angle: string): number {
  const [, number = '0', unit = 'deg'] = /^([+-]?[\d.]+)([a-z]+)?/.exec(angle) ?? []
  const turn = { deg: 360, grad: 400, rad: 2 * Math.PI, turn: 1 }[unit] ?? 360
  return (Number(number) / turn) * 2 * Math.PI
}
