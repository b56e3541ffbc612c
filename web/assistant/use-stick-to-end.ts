/** Keeps the end of what grows in view, until the reader scrolls up. */
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState, type WheelEvent } from 'react'

/** Coming nearer to the end than this goes back to it. */
const nearPx = 32

const upwards: readonly string[] = ['ArrowUp', 'PageUp', 'Home']

/**
 * @param content What grows inside `scroller`.
 * @returns `handlers` are for the scroller. They tell what the reader does from what grows: a scroll alone says neither.
 */
export function useStickToEnd(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [isAtEnd, setAtEnd] = useState(true)
  // Read at once when something grows, before the next drawing.
  const follows = useRef(true)
  const lastTop = useRef(0)
  const follow = (isFollowing: boolean) => {
    follows.current = isFollowing
    setAtEnd(isFollowing)
  }
  const gapNow = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = scroller.current ?? {}
    return scrollHeight - scrollTop - clientHeight
  }
  const leave = () => {
    const { scrollHeight = 0, clientHeight = 0 } = scroller.current ?? {}
    if (scrollHeight > clientHeight) follow(false)
  }
  const noteScroll = () => {
    const top = scroller.current?.scrollTop ?? 0
    if (top < lastTop.current && gapNow() > 1) follow(false)
    else if (top > lastTop.current && gapNow() <= nearPx) follow(true)
    lastTop.current = top
  }
  const toEnd = () => {
    follow(true)
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'instant' })
  }
  useEffect(() => {
    if (!content.current) return
    const observer = new ResizeObserver(() => {
      if (follows.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior: 'instant' })
    })
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [scroller, content])
  const handlers = {
    onScroll: noteScroll,
    onWheel: (event: WheelEvent) => {
      if (event.deltaY < 0) leave()
    },
    onTouchMove: leave,
    onKeyDown: (event: KeyboardEvent) => {
      if (upwards.includes(event.key)) leave()
    },
  }
  return { isAtEnd, toEnd, handlers }
}
