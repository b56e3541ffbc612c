/** Asks before a form that was not saved is left: by a link, a shortcut, the browser's Back, or with the window. */
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
    const { state } = history
    const { href } = location
    const askAtBack = (event: PopStateEvent) => {
      if (!unsaved.has(form) || location.href === href || mayLeave()) return
      // The router does not hear of it: the address is that of the form again before anything is drawn.
      event.stopImmediatePropagation()
      history.pushState(state, '', href)
    }
    unsaved.add(form)
    addEventListener('beforeunload', ask)
    addEventListener('popstate', askAtBack, { capture: true })
    return () => {
      unsaved.delete(form)
      removeEventListener('beforeunload', ask)
      removeEventListener('popstate', askAtBack, { capture: true })
    }
  }, [isUnsaved])
  return useCallback(() => void unsaved.delete(own.current), [])
}

export const askBeforeLeaving: AroundNavHandler = (navigate, to, options) => {
  if (unsaved.size === 0 || mayLeave()) navigate(to, options)
}

function mayLeave(): boolean {
  return confirm('Leave without saving? What you changed here is lost.')
}
