/** Selects a whole list: loads older rows until all are there, or the selection limit is reached. */
import { type Dispatch, type SetStateAction, useCallback, useEffect, useState } from 'react'
import type { MailRow } from './mail-row.ts'
import { mostSelected, type Selection, selectToEnd } from './selection.ts'

/** @param loadOlder Undefined if there are no older rows. */
export function useSelectAll(
  rows: readonly MailRow[],
  loadOlder: (() => void) | undefined,
  setSelected: Dispatch<SetStateAction<Selection>>,
) {
  const [isSelecting, setSelecting] = useState(false)
  useEffect(() => {
    if (!isSelecting) return
    // Mail that arrived at the top meanwhile is not selected, because the reader did not see it.
    setSelected(before => selectToEnd(before, rows))
    if (loadOlder && rows.length < mostSelected) loadOlder()
    else setSelecting(false)
  }, [isSelecting, rows, loadOlder, setSelected])
  const selectAll = useCallback(() => {
    setSelected(before => selectToEnd({ ...before, keys: new Set() }, rows))
    setSelecting(true)
  }, [rows, setSelected])
  const stop = useCallback(() => setSelecting(false), [])
  return { isSelecting, selectAll, stop }
}
