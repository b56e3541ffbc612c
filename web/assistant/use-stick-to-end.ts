/** Keeps the end of growing content in view until the user scrolls up. */
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState, type WheelEvent } from 'react'

/** Distance from the end, in pixels, within which scrolling sticks to it again. */
const nearPx = 32

const upwards: readonly string[] = ['ArrowUp', 'PageUp', 'Home']

/**
 * Sticks to the end.
 * @param content What grows inside `scroller`.
 * @returns `handlers` for the scroller, which tell the user's scrolling from growth; a scroll event alone does not.
 */
export function useStickToEnd(scroller: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>) {
  const [isAtEnd, setAtEnd] = useState(true)
  // A ref, so that it can be read as soon as content grows, before the next render.
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
