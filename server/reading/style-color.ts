/** Colours of style sheets, as far as it takes to know whether letters stand out from what is behind them. */

/** Red, green and blue, each up to 255. */
export type Color = readonly [number, number, number] | 'transparent'

const leastAlpha = 0.1
/** Of each of the three; eyes do not tell less apart. */
const leastDifference = 12
/** The names that mail uses; others are not known. */
const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    black: '#000',
    white: '#fff',
    snow: '#fffafa',
    ivory: '#fffff0',
    ghostwhite: '#f8f8ff',
    floralwhite: '#fffaf0',
    mintcream: '#f5fffa',
    azure: '#f0ffff',
    whitesmoke: '#f5f5f5',
    red: '#f00',
    lime: '#0f0',
    blue: '#00f',
    yellow: '#ff0',
    cyan: '#0ff',
    aqua: '#0ff',
    magenta: '#f0f',
    fuchsia: '#f0f',
    silver: '#c0c0c0',
    gray: '#808080',
    grey: '#808080',
    maroon: '#800000',
    green: '#008000',
    navy: '#000080',
    olive: '#808000',
    purple: '#800080',
    teal: '#008080',
    orange: '#ffa500',
    lightgray: '#d3d3d3',
    lightgrey: '#d3d3d3',
    darkgray: '#a9a9a9',
    darkgrey: '#a9a9a9',
    darkblue: '#00008b',
  }),
)

/** @param value In small letters. @returns Undefined for what is not known. */
export function colorOf(value: string): Color | undefined {
  if (value === 'transparent') return value
  const hex = /^#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/.exec(names.get(value) ?? value)?.[1]
  if (hex !== undefined) return fromHex(hex)
  const [, model, inside] = /^(rgb|hsl)a?\(([^)]*)\)/.exec(value) ?? []
  if (inside === undefined) return undefined
  const parts = inside.split(/[\s,/]+/).filter(part => part !== '')
  const [one = 0, two = 0, three = 0, alpha = 1] = parts.map(part => shareOf(part, model === 'rgb' ? 255 : 1))
  if (parts.length > 3 && alphaOf(parts[3]!, alpha) < leastAlpha) return 'transparent'
  if (model === 'rgb') return [one, two, three]
  // Of the other model only what is white or black anyway.
  if (three > 0.03 && three < 0.97) return undefined
  return three > 0.5 ? [255, 255, 255] : [0, 0, 0]
}

export function isAlike(one: Color, other: Color): boolean {
  if (one === 'transparent' || other === 'transparent') return one === other
  return one.every((part, index) => Math.abs(part - other[index]!) < leastDifference)
}

function fromHex(hex: string): Color {
  const digits = hex.length < 6 ? [...hex].map(digit => digit + digit) : (hex.match(/../g) ?? [])
  const [red = 0, green = 0, blue = 0, alpha = 255] = digits.map(pair => Number.parseInt(pair, 16))
  return alpha < leastAlpha * 255 ? 'transparent' : [red, green, blue]
}

function shareOf(part: string, whole: number): number {
  const number = Number.parseFloat(part)
  return part.endsWith('%') ? (number / 100) * whole : number
}

function alphaOf(part: string, value: number): number {
  return part.endsWith('%') ? Number.parseFloat(part) / 100 : value
}
