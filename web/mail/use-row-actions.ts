/** Click handlers of rows, with stable identities so that rows do not re-render. */
import { type Dispatch, type SetStateAction, useEffect, useMemo, useRef } from 'react'
import type { MailRow } from './mail-row.ts'
import type { RowActions } from './message-row.tsx'
import { extend, type Selection, toggle } from './selection.ts'

export function useRowActions(
  rows: readonly MailRow[],
  onFocus: (key: string) => void,
  setSelected: Dispatch<SetStateAction<Selection>>,
  /** Called before a row is selected or deselected. */
  onChoose: () => void,
): RowActions {
  const newest = useRef(rows)
  useEffect(() => {
    newest.current = rows
  })
  return useMemo(
    () => ({
      onFocus,
      onSelect: (key, isRange) => {
        onChoose()
        setSelected(before => (isRange ? extend(before, key, newest.current) : toggle(before, key)))
      },
    }),
    [onFocus, setSelected, onChoose],
  )
}
