/** Keeps the list still while the reader is further down: new messages wait behind a pill. */
import { type RefObject, useState } from 'react'
import type { MessageSummary } from '../../contract/mail.ts'
import { splitAtMark } from './message-pages.ts'

export function useHeldRows(items: readonly MessageSummary[], scroller: RefObject<HTMLElement | null>) {
  const [mark, setMark] = useState<string>()
  const { waiting, rows } = splitAtMark(items, mark)
  const noteScroll = () => {
    const isAtTop = (scroller.current?.scrollTop ?? 0) <= 0
    setMark(before => (isAtTop ? undefined : (before ?? items[0]?.ref)))
  }
  const showWaiting = () => {
    setMark(undefined)
    scroller.current?.scrollTo({ top: 0, behavior: 'instant' })
    scroller.current?.focus()
  }
  return { rows, waiting, noteScroll, showWaiting }
}
