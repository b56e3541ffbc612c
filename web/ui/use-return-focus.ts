/** Restores the focus when a dialog closes. */
import { useEffect, useState } from 'react'

/** The openers of what is open, the innermost last: each with those of the dialog that it was in. */
const open: (Element | null)[][] = []

/**
 * On unmount, returns the focus to the element that had it before. If that is gone, as a form that was replaced by its
 * result, the opener of what contained it gets the focus; then a control with the same words in the page's content, or
 * else the content.
 * @param known The element that had it, if a stand-in replaced the component until it was loaded.
 */
export function useReturnFocus(known?: Element | null): void {
  const [openers] = useState(() => {
    const opener = known ?? document.activeElement
    return [opener, ...(opener?.closest('dialog') ? (open.at(-1) ?? []) : [])]
  })
  useEffect(() => {
    open.push(openers)
    return () => {
      open.splice(open.indexOf(openers), 1)
      const content = document.getElementById('content')
      const there = openers.filter(each => each?.isConnected)
      const targets = [...there, twinOf(openers.at(-1), content), content]
      for (const target of targets) {
        if (!(target instanceof HTMLElement) || target === document.body) continue
        target.focus()
        // Hidden and disabled elements take no focus.
        if (document.activeElement === target) return
      }
    }
  }, [openers])
}

/** Returns the control that replaced another one: the button of an empty list is in the header once it has rows. */
function twinOf(gone: Element | null | undefined, content: Element | null): Element | undefined {
  const words = gone?.textContent
  if (!words) return undefined
  return [...(content?.querySelectorAll('button, a') ?? [])].find(each => each.textContent === words)
}
