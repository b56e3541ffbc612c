/** Tracks whether an element was on screen, for decisions that require having seen it. */
import { type RefObject, useEffect, useState } from 'react'

/** Pixels that must have been visible; a smaller element must be visible completely. */
const enough = 80

export function useWasOnScreen(element: RefObject<HTMLElement | null>): boolean {
  const [wasSeen, setSeen] = useState(false)
  useEffect(() => {
    if (wasSeen || !element.current) return
    const look = new IntersectionObserver(
      entries => {
        const isSeen = entries.some(
          ({ isIntersecting, intersectionRect, boundingClientRect }) =>
            isIntersecting && intersectionRect.height >= Math.min(enough, boundingClientRect.height),
        )
        if (isSeen) setSeen(true)
      },
      { threshold: [0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1] },
    )
    look.observe(element.current)
    return () => look.disconnect()
  }, [element, wasSeen])
  return wasSeen
}
