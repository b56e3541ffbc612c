/**
 * Makes what was drawn for a wide window fit into a narrow pane, one declaration at a time: a fixed width becomes the most
 * that an element takes, a wide margin shrinks with the pane, lines wrap, and a fixed height grows with its text.
 */
import type { CssNode, Declaration, Value } from 'css-tree'
import generate from 'css-tree/generator'
import parse from 'css-tree/parser'
import { absolutePixels } from './css-units.ts'

/** Whose `style` it is: cells and pictures shrink by themselves. Undefined in a style sheet. */
export type StyledElement = 'cell' | 'picture' | 'other' | undefined

/** Pixels in a unit, about: it only decides what is wide. */
const pixels: Readonly<Record<string, number>> = { ...absolutePixels, em: 16, rem: 16, ex: 8, ch: 8 }
/** Narrower than the narrowest pane with what stands around it. */
export const wideFromPx = 200
const wideSpaceFromPx = 16
const tallPictureFromPx = 60

/** @returns Whether the declaration stays. */
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
  // Columns of fixed widths stand below each other instead.
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

/** In a style sheet it may be that of a picture. */
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
