/** Asks before the user leaves an unsaved form by a link, a shortcut, the browser's Back, or by closing the window. */
import { useCallback, useEffect, useRef } from 'react'
import type { AroundNavHandler } from 'wouter'

/** The unsaved forms, each with its address and history state. */
const unsaved = new Map<object, { href: string; state: unknown }>()

/**
 * Guards a form while it has unsaved changes.
 * @returns A function to call before the page is left on purpose.
 */
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

// Registered on import, before the router's listener, which would already have left the page.
globalThis.addEventListener?.('popstate', event => {
  const [form] = unsaved.values()
  if (!form || location.href === form.href || mayLeave()) return
  event.stopImmediatePropagation()
  history.pushState(form.state, '', form.href)
})

function mayLeave(): boolean {
  return confirm('Leave without saving? What you changed here is lost.')
}
