/** What is open is in sight of its list, also where a link led there: fifty accounts, or a long tree of folders, hide it otherwise. */
import { type RefObject, useEffect, useRef } from 'react'

export function useInSight(isHere: boolean): RefObject<HTMLAnchorElement | null> {
  const line = useRef<HTMLAnchorElement>(null)
  useEffect(() => {
    if (isHere) line.current?.scrollIntoView({ block: 'nearest' })
  }, [isHere])
  return line
}
