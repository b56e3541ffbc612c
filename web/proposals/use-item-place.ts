/** The position in a proposal: what is on screen, and which item has the focus. */
import { type KeyboardEvent, type RefObject, useEffect, useRef } from 'react'

/** Scrolls to an item, and again once its message has loaded: until then there may be too little below it. */
export function useBringingOn(scroller: RefObject<HTMLElement | null>): (id: string) => void {
  const wanted = useRef('')
  useEffect(() => {
    const around = scroller.current
    if (!around) return
    const ending = new AbortController()
    // Manual scrolling cancels it.
    const leave = () => {
      wanted.current = ''
    }
    for (const type of ['wheel', 'touchmove', 'keydown']) {
      around.addEventListener(type, leave, { passive: true, signal: ending.signal })
    }
    const watch = new ResizeObserver(() => scrollTo(around, wanted.current))
    for (const part of around.children) watch.observe(part)
    return () => {
      ending.abort()
      watch.disconnect()
    }
  }, [scroller])
  return id => {
    wanted.current = id
    if (scroller.current) scrollTo(scroller.current, id)
  }
}

/** Scrolls to the text of its message if it is loaded, because that has to be read. */
function scrollTo(around: HTMLElement, id: string): void {
  if (id === '') return
  const card = around.querySelector(`[data-item="${CSS.escape(id)}"]`)
  const target = card?.querySelector('[data-words]') ?? card
  target?.scrollIntoView({ block: 'start' })
}

/** Manages the focus among the items' checkboxes; arrows move it. */
export function useItemFocus(scroller: RefObject<HTMLElement | null>) {
  const boxes = () => [...(scroller.current?.querySelectorAll<HTMLInputElement>('input[data-choose]') ?? [])]
  const boxOf = (id: string) => boxes().find(box => box.dataset.choose === id)
  const current = () => document.activeElement?.closest<HTMLElement>('[data-item]')?.dataset.item
  return {
    current,
    to: (id: string) => boxOf(id)?.focus(),
    /** After a decision, focuses the first pending item, or else the next control. */
    toFirst: (ids: readonly string[]) =>
      requestAnimationFrame(() => {
        const first = ids.map(boxOf).find(box => box !== undefined)
        first?.focus()
      }),
    onKeyDown: (event: KeyboardEvent) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (step === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
      const all = boxes()
      const at = all.findIndex(box => box.dataset.choose === current())
      // Elsewhere, the arrows scroll.
      if (at < 0 || !(event.target instanceof HTMLInputElement)) return
      const next = all[at + step]
      if (!next) return
      event.preventDefault()
      next.focus()
    },
  }
}
