/** Formats of exported entries: CSV for spreadsheets, JSON Lines for programs. */
import { AuditEntry } from '../../contract/audit.ts'
import { csvFormula } from '../../contract/csv-formula.ts'
import { toEntry } from './audit-entry.ts'
import type { AuditRow } from './audit-tables.ts'

export interface ExportFormat {
  contentType: string
  /** The text before the first entry. */
  head: string
  line(row: AuditRow): string
}

export type ExportName = 'csv' | 'jsonl'

const columns = Object.keys(AuditEntry.shape) as (keyof AuditRow)[]

export const exportFormats: Record<ExportName, ExportFormat> = {
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: `${columns.join(',')}\r\n`,
    line: row => `${columns.map(name => toField(row[name])).join(',')}\r\n`,
  },
  jsonl: {
    contentType: 'application/jsonl; charset=utf-8',
    head: '',
    line: row => `${JSON.stringify(toEntry(row))}\n`,
  },
}

const formula = new RegExp(csvFormula, 'u')

/**
 * Encodes a field (RFC 4180). A text that a spreadsheet would run as a formula gets a leading apostrophe, since anyone
 * can choose such a user agent.
 */
function toField(value: string | number | null): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = formula.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
