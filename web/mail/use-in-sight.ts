/** Scrolls the open item of a list into view, also after following a link, which a long list would hide. */
import { type RefObject, useEffect, useRef } from 'react'

export function useInSight(isHere: boolean): RefObject<HTMLAnchorElement | null> {
  const line = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    if (isHere) line.current?.scrollIntoView({ block: 'nearest' })
  }, [isHere])
  return line
}
