/** The address of the audit page: the filter, and the position in the trail. */
import type { AuditFilter, AuditSettings } from '../../contract/audit.ts'
import { addressOf } from '../platform/api-client.ts'

export const perPage = 50

export const viewDefaults = {
  principal: '',
  operation: '',
  effect: '',
  account: '',
  outcome: '',
  from: '',
  to: '',
  /** Cursor of the page; empty for the newest. */
  cursor: '',
}
export type AuditView = typeof viewDefaults

/** Not in the endpoint table, because the response is a file. */
const exportPath = '/api/dashboard/audit/export'

/** Builds the filter; the server validates the values, so unknown ones produce its error. */
export function filterOf({ principal, operation, effect, account, outcome, from, to }: AuditView): AuditFilter {
  return {
    principal: principal || undefined,
    operation: operation || undefined,
    effect: asGiven<'read'>(effect),
    account_id: account || undefined,
    outcome: asGiven<'ok'>(outcome),
    from: from || undefined,
    to: to || undefined,
  }
}

export function hasFilter(view: AuditView): boolean {
  return Object.values(filterOf(view)).some(value => value !== undefined)
}

export function exportAddress(view: AuditView, format: 'csv' | 'jsonl'): string {
  return addressOf(exportPath, {}, { format, ...filterOf(view) })
}

/** Converts `datetime-local`, in this machine's time zone, to a timestamp; empty if it is invalid. */
export function toTimestamp(local: string): string {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}

export function toLocal(timestamp: string): string {
  const at = new Date(timestamp)
  if (Number.isNaN(at.getTime())) return ''
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}

export const readsWords: Record<AuditSettings['reads'], { label: string; hint: string }> = {
  none: { label: 'No reads', hint: 'Only changes, sends, deletions and rejected requests.' },
  mail: { label: 'Reads of mail', hint: 'Also who read which message.' },
  all: { label: 'All reads', hint: 'Also every dashboard view. The trail grows fast.' },
}

function asGiven<Known extends string>(value: string): Known | undefined {
  return value === '' ? undefined : (value as Known)
}
