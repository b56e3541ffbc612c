/** Measures an outgoing message where it is shown, and again when its size changes. */
import { type RefObject, useEffect, useState } from 'react'
import { type OutOfSight, outOfSight } from './out-of-sight.ts'

type Found = OutOfSight | null | undefined

/**
 * @param shown The element whose size decides. @param measure Stable; returns the arguments of `outOfSight`; undefined while
 * there is nothing to measure yet. @returns Null if it cannot be measured, undefined if not yet.
 */
export function useOutOfSight(
  shown: RefObject<HTMLElement | null>,
  measure: () => Parameters<typeof outOfSight> | undefined,
): Found {
  const [found, setFound] = useState<Found>()
  useEffect(() => {
    const element = shown.current
    if (!element) return
    const look = () => setFound(before => measured(measure, before))
    const watch = new ResizeObserver(look)
    watch.observe(element)
    return () => watch.disconnect()
  }, [shown, measure])
  return found
}

function measured(measure: Parameters<typeof useOutOfSight>[1], before: Found): Found {
  try {
    const now = measure()
    return now ? outOfSight(...now) : before
  } catch {
    // A browser that gives no access to the frame.
    return null
  }
}
