/** Keeps the list still while the reader has scrolled down: new messages wait behind a pill. */
import { type RefObject, useMemo, useState } from 'react'
import { splitAtMark } from './mail-pages.ts'
import type { MailRow } from './mail-row.ts'

export function useHeldRows(all: readonly MailRow[], scroller: RefObject<HTMLElement | null>) {
  const [mark, setMark] = useState<string>()
  const { waiting, shown } = useMemo(() => splitAtMark(all, mark), [all, mark])
  const noteScroll = () => {
    const isAtTop = (scroller.current?.scrollTop ?? 0) <= 0
    setMark(before => (isAtTop ? undefined : (before ?? all[0]?.key)))
  }
  const showWaiting = () => {
    setMark(undefined)
    scroller.current?.scrollTo({ top: 0, behavior: 'instant' })
    scroller.current?.focus()
  }
  return { rows: shown, waiting, noteScroll, showWaiting }
}
