/** The selected rows of a list, and the anchor of a range selection. */
import type { MailRow } from './mail-row.ts'

export interface Selection {
  keys: ReadonlySet<string>
  /** The row that was selected last. */
  anchor: string | undefined
}

export const noSelection: Selection = { keys: new Set(), anchor: undefined }

/** Maximum selected rows, which one action can change; use a search for more. */
export const mostSelected = 1_000

export function toggle({ keys }: Selection, key: string): Selection {
  const next = new Set(keys)
  if (!next.delete(key) && next.size < mostSelected) next.add(key)
  return { keys: next, anchor: key }
}

/** Selects from the last selected row to this one, or only this one if there is none. */
export function extend({ keys, anchor }: Selection, key: string, rows: readonly MailRow[]): Selection {
  const from = rows.findIndex(row => row.key === anchor)
  const to = rows.findIndex(row => row.key === key)
  if (to < 0) return { keys, anchor }
  const [start, end] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)]
  const next = new Set(keys)
  // Ordered from the anchor, so that rows past the limit are the farthest from it.
  const range = rows.slice(start, end + 1)
  for (const row of to < from ? range.toReversed() : range) if (next.size < mostSelected) next.add(row.key)
  return { keys: next, anchor: anchor ?? key }
}

/** Selects everything from the first selected row, or from the top, up to the limit. */
export function selectToEnd({ keys, anchor }: Selection, rows: readonly MailRow[]): Selection {
  const first = keys.size === 0 ? 0 : rows.findIndex(({ key }) => keys.has(key))
  const next = new Set(keys)
  for (const { key } of rows.slice(Math.max(first, 0))) if (next.size < mostSelected) next.add(key)
  return next.size === keys.size ? { keys, anchor } : { keys: next, anchor: anchor ?? rows[0]?.key }
}

/** Drops selected rows that are no longer in the list. */
export function within(selection: Selection, rows: readonly MailRow[]): Selection {
  const { keys, anchor } = selection
  if (keys.size === 0) return selection
  const left = new Set(rows.flatMap(({ key }) => (keys.has(key) ? [key] : [])))
  return left.size === keys.size ? selection : { keys: left, anchor }
}
