/** The data of a chart as a CSV file: all stored points, rather than those drawn. */
import { csvFormula } from '../../contract/csv-formula.ts'
import type { History } from '../../contract/history.ts'

const head = ['time', 'series', 'label', 'count', 'sum', 'minimum', 'maximum', 'mean', 'p50', 'p95', 'p99']
const formula = new RegExp(csvFormula, 'u')

export function csvOf(histories: readonly History[]): string {
  const lines: (string | number | null | undefined)[][] = [head]
  for (const { series, groups } of histories) {
    for (const { label, points } of groups) {
      for (const [index, at] of points.at.entries()) {
        const [count, sum] = [points.count[index]!, points.sum[index]!]
        const quantiles = [points.p50, points.p95, points.p99].map(column => column?.[index])
        const figures = [count, sum, points.min[index], points.max[index], count > 0 ? sum / count : undefined]
        const time = new Date(at * 1000).toISOString()
        lines.push([time, series, label, ...figures, ...quantiles])
      }
    }
  }
  return `${lines.map(line => line.map(cellOf).join(',')).join('\r\n')}\r\n`
}

/**
 * Formats a cell; a label that a spreadsheet would take for a formula gets a leading apostrophe. Numbers may be
 * negative.
 */
function cellOf(value: string | number | null | undefined): string {
  if (typeof value !== 'string') return `${value ?? ''}`
  const safe = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has started the download by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
