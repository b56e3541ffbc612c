/** Selects a whole list: older rows are loaded until all are there, or as many as can be changed at once. */
import { type Dispatch, type SetStateAction, useCallback, useEffect, useState } from 'react'
import type { MailRow } from './mail-row.ts'
import { mostSelected, type Selection, selectToEnd } from './selection.ts'

/** @param loadOlder Undefined where there are no older ones. */
export function useSelectAll(
  rows: readonly MailRow[],
  loadOlder: (() => void) | undefined,
  setSelected: Dispatch<SetStateAction<Selection>>,
) {
  const [isSelecting, setSelecting] = useState(false)
  useEffect(() => {
    if (!isSelecting) return
    // New mail that comes above meanwhile was not among what the reader saw.
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
