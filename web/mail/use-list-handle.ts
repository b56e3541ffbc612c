/** The list's interface for the page's actions: the affected rows, and what to open next when they leave. */
import { type Ref, useImperativeHandle, useMemo } from 'react'
import type { ListHandle } from '../organise/use-mail-actions.ts'
import type { MailRow } from './mail-row.ts'
import type { Selection } from './selection.ts'

interface Options {
  ref: Ref<ListHandle>
  rows: readonly MailRow[]
  selection: Selection
  openAt: number
  focusedAt: number
  focusRow(index: number): void
  open(row: MailRow): void
  close(): void
  clear(): void
  selectAll(): void
}

/** Exposes the handle, and returns the selected rows in list order. */
export function useListHandle({ ref, rows, selection, openAt, focusedAt, ...acts }: Options): readonly MailRow[] {
  const selected = useMemo(() => rows.filter(({ key }) => selection.keys.has(key)), [rows, selection])
  useImperativeHandle(ref, () => ({
    selected: () => selected,
    opened: () => rows[openAt],
    focused: () => rows[focusedAt],
    leave: leaving => {
      const at = nextOf(rows, new Set(leaving.map(({ key }) => key)))
      const next = rows[at]
      const isOpenLeaving = openAt >= 0 && leaving.includes(rows[openAt]!)
      if (isOpenLeaving) {
        if (next) acts.open(next)
        else acts.close()
      }
      if (next) acts.focusRow(at)
    },
    clear: acts.clear,
    selectAll: acts.selectAll,
  }))
  return selected
}

/** Returns the row after the last leaving one, or else the one before; -1 if all leave. */
export function nextOf(rows: readonly Pick<MailRow, 'key'>[], leaving: ReadonlySet<string>): number {
  const last = rows.findLastIndex(({ key }) => leaving.has(key))
  const after = rows.findIndex(({ key }, index) => index > last && !leaving.has(key))
  return after >= 0 ? after : rows.findLastIndex(({ key }, index) => index < last && !leaving.has(key))
}
