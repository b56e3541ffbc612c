/**
 * Adapts a declaration designed for a wide window to a narrow pane: fixed widths become upper bounds, wide margins
 * shrink with the pane, lines wrap, and fixed heights grow with their text.
 */
import type { CssNode, Declaration, Value } from 'css-tree'
import generate from 'css-tree/generator'
import parse from 'css-tree/parser'
import { absolutePixels } from './css-units.ts'

/** The element of a `style` attribute, since cells and pictures shrink by themselves; undefined in a style sheet. */
export type StyledElement = 'cell' | 'picture' | 'other' | undefined

/** Approximate pixels per unit, only used to decide what is wide. */
const pixels: Readonly<Record<string, number>> = { ...absolutePixels, em: 16, rem: 16, ex: 8, ch: 8 }
/** Below the narrowest pane, including what surrounds it. */
export const wideFromPx = 200
const wideSpaceFromPx = 16
const tallPictureFromPx = 60

/** @returns Whether to keep the declaration. */
export function fitDeclaration(declaration: Declaration, value: Value, element: StyledElement): boolean {
  const property = declaration.property.toLowerCase()
  if (property === 'width' || property === 'max-width') return fitWidth(value, property, element)
  if (/^(?:padding|margin|text-indent|gap|column-gap|grid-gap|border-spacing)/.test(property)) {
    value.children.forEach((node, item) => {
      item.data = fitSpace(node)
    })
    return true
  }
  if (property === 'height') return fitHeight(declaration, value, element)
  if (property === 'white-space') return fitLines(declaration, value)
  // Columns of fixed widths are stacked instead.
  if (/^grid-(?:template|auto-columns)/.test(property) || property === 'grid')
    return !/\d(?:px|pt|em|rem)\b/i.test(generate(value))
  return true
}

function fitWidth(value: Value, property: string, element: StyledElement): boolean {
  const { first } = value.children
  if (!first || value.children.size !== 1) return true
  if (property === 'max-width' && first.type === 'Identifier') return false
  if (element === 'cell' && property === 'width') return true
  if (first.type === 'Dimension' && /^(?:s|l|d)?v(?:w|i|max)$/i.test(first.unit)) return false
  if (pixelsOf(first) <= wideFromPx) return true
  value.children.forEach((node, item) => {
    item.data = parsedValue(`min(${generate(node)},100%)`)
  })
  return true
}

function fitSpace(node: CssNode): CssNode {
  const size = pixelsOf(node)
  if (size < 0) return parsedValue('0')
  return size > wideSpaceFromPx ? parsedValue(`min(${generate(node)},6vw)`) : node
}

/** A style sheet may apply to pictures. */
function fitHeight(declaration: Declaration, value: Value, element: StyledElement): boolean {
  const { first } = value.children
  const size = first ? pixelsOf(first) : 0
  if (element === 'picture') return size <= tallPictureFromPx
  if (element === 'other' && size > wideSpaceFromPx) declaration.property = 'min-height'
  return true
}

function fitLines(declaration: Declaration, value: Value): boolean {
  const word = generate(value).toLowerCase()
  if (word === 'pre') declaration.value = { type: 'Value', children: asValue('pre-wrap').children }
  return word !== 'nowrap'
}

function pixelsOf(node: CssNode): number {
  return node.type === 'Dimension' ? Number(node.value) * (pixels[node.unit.toLowerCase()] ?? 0) : 0
}

function parsedValue(text: string): CssNode {
  return asValue(text).children.first!
}

function asValue(text: string): Value {
  const value = parse(text, { context: 'value' })
  if (value.type !== 'Value') throw new Error(`${text} is no value`)
  return value
}
