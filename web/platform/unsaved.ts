/** Asks before a form that was not saved is left: by a link, a shortcut, or with the window. */
import { useCallback, useEffect, useRef } from 'react'
import type { AroundNavHandler } from 'wouter'

const unsaved = new Set<object>()

/** @returns To be called before the page is left on purpose. */
export function useUnsaved(isUnsaved: boolean): () => void {
  const own = useRef({})
  useEffect(() => {
    if (!isUnsaved) return
    const form = own.current
    const ask = (event: BeforeUnloadEvent) => {
      if (unsaved.has(form)) event.preventDefault()
    }
    unsaved.add(form)
    addEventListener('beforeunload', ask)
    return () => {
      unsaved.delete(form)
      removeEventListener('beforeunload', ask)
    }
  }, [isUnsaved])
  return useCallback(() => void unsaved.delete(own.current), [])
}

export const askBeforeLeaving: AroundNavHandler = (navigate, to, options) => {
  if (unsaved.size > 0 && !confirm('Leave without saving? What you changed here is lost.')) return
  navigate(to, options)
}
