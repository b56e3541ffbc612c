/** Values of styles as numbers: variables filled in, calculations done, units turned into pixels. */
import { calc } from '@csstools/css-calc'
import { absolutePixels } from './css-units.ts'
import type { StyleBudget } from './style-budget.ts'
import type { Style } from './style-rules.ts'

/** In pixels: what an `em` and 100 % are. */
export interface Measure {
  em: number
  percent: number
}

/** Variables in variables, and characters that come of them. */
const maxDepth = 16
const maxLength = 2000
const viewport = { vw: 8, vi: 8, vmax: 8, vh: 6, vb: 6, vmin: 6 }
const pixels: Readonly<Record<string, number>> = { ...absolutePixels, ...viewport, rem: 16 }
const plain = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z%]*)$/
const inMath = /(?<![\w.#-])((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%|[a-z]+\b)/g

/** @returns In pixels; undefined for words such as `auto`. */
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

/** @returns A share of one for what is told in percent. */
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

/** Variables of the element and of those around it, and the style with them filled in. */
export function withVariables(style: Style, around: Style, budget: StyleBudget): { style: Style; variables: Style } {
  const own = [...style].filter(([name]) => name.startsWith('--'))
  const variables = own.length === 0 ? around : new Map([...around, ...own])
  if (own.length > 0 && !budget.spend(around.size)) return { style, variables: around }
  if (![...style.values()].some(value => value.includes('var('))) return { style, variables }
  const filled = new Map<string, string>()
  for (const [name, value] of style) {
    if (name.startsWith('--')) continue
    const text = value.includes('var(') ? fill(value, variables, budget, 0)?.trim().toLowerCase() : value
    // Browsers then take what is inherited, or nothing.
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

/** Of what stands in parentheses. */
function endOf(value: string, begin: number): number {
  let depth = 1
  for (let at = begin; at < value.length; at++) {
    if (value[at] === '(') depth++
    else if (value[at] === ')' && --depth === 0) return at
  }
  return value.length
}
