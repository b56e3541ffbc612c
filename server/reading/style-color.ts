/** Parses CSS colours in every notation, and decides whether letters stand out from their background. */
import { color as parseColor, serializeRGB } from '@csstools/css-color-parser'
import { parseComponentValue } from '@csstools/css-parser-algorithms'
import { tokenize } from '@csstools/css-tokenizer'
import type { StyleBudget } from './style-budget.ts'

/** Red, green and blue up to 255, and opacity up to 1. */
export type Color = readonly [red: number, green: number, blue: number, alpha: number]

export const black: Color = [0, 0, 0, 1]
export const white: Color = [255, 255, 255, 1]

/** Difference per component below which eyes cannot tell colours apart. */
const leastDifference = 12
const maxKnown = 2000
/** System colours of the light scheme, as painted by Chromium. */
const systemColors: ReadonlyMap<string, Color> = new Map<string, Color>([
  ...['canvas', 'field', 'buttonborder', 'activecaption', 'window', 'menu', 'infobackground'].map(
    name => [name, white] as const,
  ),
  ...['canvastext', 'buttontext', 'fieldtext', 'windowtext', 'captiontext', 'menutext', 'infotext', 'marktext'].map(
    name => [name, black] as const,
  ),
  ['highlighttext', white],
  ['mark', [255, 255, 0, 1]],
  ['buttonface', [239, 239, 239, 1]],
  ['linktext', [0, 0, 238, 1]],
  ['graytext', [128, 128, 128, 1]],
  ['transparent', [0, 0, 0, 0]],
])

export class StyleColors {
  readonly #budget: StyleBudget
  readonly #isQuirky: boolean
  readonly #known = new Map<string, Color | undefined>()

  constructor(budget: StyleBudget, isQuirky: boolean) {
    this.#budget = budget
    this.#isQuirky = isQuirky
  }

  /** @param value In lower case. */
  isColor(value: string): boolean {
    return value === 'currentcolor' || this.find(value, black) !== undefined
  }

  /** @param current The meaning of `currentcolor`. */
  find(value: string, current: Color | undefined): Color | undefined {
    if (value === 'currentcolor') return current
    const known = this.#known.get(value)
    if (known || this.#known.has(value)) return known
    const found = this.#read(value)
    if (this.#known.size < maxKnown) this.#known.set(value, found)
    return found
  }

  /** Parses a legacy colour attribute, of which browsers accept any value (HTML, section 2.3.6). */
  ofAttribute(value: string): Color | undefined {
    const text = value.trim().toLowerCase().slice(0, 128)
    if (text === '' || text === 'transparent') return undefined
    const named = /^[a-z]+$|^#[\da-f]{3}$|^#[\da-f]{6}$/.test(text) ? this.find(text, undefined) : undefined
    if (named) return named
    const digits = text.replace(/^#/, '').replaceAll(/[^\da-f]/g, '0')
    const length = Math.max(Math.ceil(digits.length / 3), 1)
    const parts = [0, 1, 2].map(index =>
      digits
        .slice(index * length, (index + 1) * length)
        .padEnd(length, '0')
        .slice(-8),
    )
    const zeros = Math.min(...parts.map(part => /^0*/.exec(part)![0].length), Math.max((parts[0]?.length ?? 0) - 2, 0))
    const [red = 0, green = 0, blue = 0] = parts.map(part => Number.parseInt(part.slice(zeros, zeros + 2), 16))
    return [red, green, blue, 1]
  }

  #read(value: string): Color | undefined {
    const system = systemColors.get(value)
    if (system) return system
    if (!/^(?:#[\da-f]+|[a-z]+|[a-z-]+\(.*\)|[\da-f]{3}|[\da-f]{6})$/s.test(value)) return undefined
    const isBare = /^(?:[\da-f]{3}|[\da-f]{6})$/.test(value)
    if (isBare && !this.#isQuirky) return undefined
    // Fast path: most colours in mail are written like this.
    if (/^#(?:[\da-f]{3}|[\da-f]{6})$/.test(value)) return ofDigits(value.slice(1))
    const light = /^light-dark\(\s*((?:[^(),]|\([^()]*\))+),/.exec(value)?.[1]
    if (light !== undefined) return this.find(light.trim(), undefined)
    if (!this.#budget.spend(200)) return undefined
    const node = parseComponentValue(tokenize({ css: isBare ? `#${value}` : value }))
    const data = node && parseColor(node)
    if (!data) return undefined
    const [red = 0, green = 0, blue = 0, alpha = 1] =
      serializeRGB(data)
        .toString()
        .match(/[\d.]+(?:e[+-]?\d+)?/g)
        ?.map(Number) ?? []
    return [red, green, blue, alpha]
  }
}

/** Parses three or six hexadecimal digits. */
function ofDigits(digits: string): Color {
  const long = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits
  const number = Number.parseInt(long, 16)
  return [number >> 16, (number >> 8) & 255, number & 255, 1]
}

/** @returns The colour of `top` painted on `below`; undefined when that depends on an unknown background. */
export function over(top: Color, below: Color | undefined, opacity = 1): Color | undefined {
  const alpha = top[3] * opacity
  if (alpha > 0.95) return [top[0], top[1], top[2], 1]
  if (!below) return undefined
  const mix = (index: 0 | 1 | 2) => top[index] * alpha + below[index] * (1 - alpha)
  return [mix(0), mix(1), mix(2), 1]
}

export function isAlike(one: Color, other: Color): boolean {
  return [0, 1, 2].every(index => Math.abs(one[index]! - other[index]!) < leastDifference)
}
