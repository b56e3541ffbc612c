/** Computes style values as numbers: substitutes variables, evaluates calculations, converts units to pixels. */
import { calc } from '@csstools/css-calc'
import { absolutePixels } from './css-units.ts'
import type { StyleBudget } from './style-budget.ts'
import type { Style } from './style-rules.ts'

/** Sizes in pixels that `em` and 100 % refer to. */
export interface Measure {
  em: number
  percent: number
}

/** Nesting of variables, and characters of an expanded value. */
const maxDepth = 16
const maxLength = 2000
const viewport = { vw: 8, vi: 8, vmax: 8, vh: 6, vb: 6, vmin: 6 }
const pixels: Readonly<Record<string, number>> = { ...absolutePixels, ...viewport, rem: 16 }
const plain = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z%]*)$/
const inMath = /(?<![\w.#-])((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%|[a-z]+\b)/g

/** @returns Pixels; undefined for keywords such as `auto`. */
export function lengthOf(value: string, measure: Measure, budget: StyleBudget): number | undefined {
  const [, number, unit = ''] = plain.exec(value) ?? []
  if (number !== undefined) return Number(number) * pixelsOf(unit, measure)
  if (!value.includes('(')) return undefined
  const pure = value.replaceAll(
    inMath,
    (_all, one: string, given: string) => `${Number(one) * pixelsOf(given, measure)}px`,
  )
  return calculated(pure, budget)
}

/** @returns The number; percentages as a fraction. */
export function numberOf(value: string, budget: StyleBudget): number | undefined {
  const [, number, unit = ''] = plain.exec(value) ?? []
  if (number !== undefined) return Number(number) / (unit === '%' ? 100 : 1)
  if (!value.includes('(')) return undefined
  return calculated(
    value.replaceAll(inMath, (all, one: string, unit: string) => (unit === '%' ? String(Number(one) / 100) : all)),
    budget,
  )
}

function pixelsOf(unit: string, { em, percent }: Measure): number {
  if (unit === '%') return percent / 100
  if (unit === 'em') return em
  if (unit === 'ex' || unit === 'ch') return em / 2
  return pixels[unit.replace(/^[sld](?=v)/, '')] ?? 1
}

function calculated(value: string, budget: StyleBudget): number | undefined {
  if (!budget.spend(100 + value.length)) return undefined
  const [, number] = /^([+-]?[\d.]+(?:e[+-]?\d+)?)(?:px)?$/.exec(calc(value)) ?? []
  return number === undefined ? undefined : Number(number)
}

/** Returns own and inherited variables, and the style with them substituted. */
export function withVariables(style: Style, around: Style, budget: StyleBudget): { style: Style; variables: Style } {
  const own = [...style].filter(([name]) => name.startsWith('--'))
  const variables = own.length === 0 ? around : new Map([...around, ...own])
  if (own.length > 0 && !budget.spend(around.size)) return { style, variables: around }
  if (![...style.values()].some(value => value.includes('var('))) return { style, variables }
  const filled = new Map<string, string>()
  for (const [name, value] of style) {
    if (name.startsWith('--')) continue
    const text = value.includes('var(') ? fill(value, variables, budget, 0)?.trim().toLowerCase() : value
    // Browsers then use the inherited or initial value.
    if (text !== undefined && text !== '') filled.set(name, text)
  }
  return { style: filled, variables }
}

function fill(value: string, variables: Style, budget: StyleBudget, depth: number): string | undefined {
  if (depth > maxDepth || value.length > maxLength || !budget.spend(10 + value.length / 4)) {
    budget.leaveOut()
    return undefined
  }
  const begin = value.search(/\bvar\(/i)
  if (begin < 0) return value
  const end = endOf(value, begin + 4)
  const [, name = '', fallback] = /^\s*(--[^\s,)]+)\s*(?:,(.*))?$/s.exec(value.slice(begin + 4, end)) ?? []
  const found = variables.get(name)
  const usable = found === undefined || found === 'initial' ? undefined : fill(found, variables, budget, depth + 1)
  const text = usable ?? (fallback === undefined ? undefined : fill(fallback, variables, budget, depth + 1))
  return text === undefined
    ? undefined
    : fill(`${value.slice(0, begin)}${text}${value.slice(end + 1)}`, variables, budget, depth + 1)
}

/** Returns the offset of the closing parenthesis. */
function endOf(value: string, begin: number): number {
  let depth = 1
  for (let at = begin; at < value.length; at++) {
    if (value[at] === '(') depth++
    else if (value[at] === ')' && --depth === 0) return at
  }
  return value.length
}
