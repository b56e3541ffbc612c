/** Keeps the end of what grows in view, until the reader scrolls up. */
import { type RefObject, useEffect, useRef, useState } from 'react'

/** Nearer to the end than this counts as at the end. */
const nearPx = 32

/** @param content What grows inside `scroller`. */
export function useStickToEnd(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [isAtEnd, setAtEnd] = useState(true)
  const lastTop = useRef(0)
  const toEnd = () => {
    setAtEnd(true)
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'instant' })
  }
  const noteScroll = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = scroller.current ?? {}
    const gap = scrollHeight - scrollTop - clientHeight
    // What grew since the last scroll is no wish of the reader: only going up leaves the end, and coming near goes back to it.
    if (scrollTop < lastTop.current) setAtEnd(gap <= 1)
    else if (gap <= nearPx) setAtEnd(true)
    lastTop.current = scrollTop
  }
  useEffect(() => {
    const element = content.current
    if (!element || !isAtEnd) return
    const observer = new ResizeObserver(() => {
      scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'instant' })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [scroller, content, isAtEnd])
  return { isAtEnd, noteScroll, toEnd }
}
