/** Asks before a form that was not saved is left: by a link, a shortcut, the browser's Back, or with the window. */
import { useCallback, useEffect, useRef } from 'react'
import type { AroundNavHandler } from 'wouter'

/** With where each stands. */
const unsaved = new Map<object, { href: string; state: unknown }>()

/** @returns To be called before the page is left on purpose. */
export function useUnsaved(isUnsaved: boolean): () => void {
  const own = useRef({})
  useEffect(() => {
    if (!isUnsaved) return
    const form = own.current
    const ask = (event: BeforeUnloadEvent) => {
      if (unsaved.has(form)) event.preventDefault()
    }
    unsaved.set(form, { href: location.href, state: history.state })
    addEventListener('beforeunload', ask)
    return () => {
      unsaved.delete(form)
      removeEventListener('beforeunload', ask)
    }
  }, [isUnsaved])
  return useCallback(() => void unsaved.delete(own.current), [])
}

export const askBeforeLeaving: AroundNavHandler = (navigate, to, options) => {
  if (unsaved.size === 0 || mayLeave()) navigate(to, options)
}

// Before the router hears of it, which would have left the page by then: so from the start, and not with the first form.
globalThis.addEventListener?.('popstate', event => {
  const [form] = unsaved.values()
  if (!form || location.href === form.href || mayLeave()) return
  event.stopImmediatePropagation()
  history.pushState(form.state, '', form.href)
})

function mayLeave(): boolean {
  return confirm('Leave without saving? What you changed here is lost.')
}
