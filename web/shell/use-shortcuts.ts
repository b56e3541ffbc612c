/** The global shortcuts, active while no field has the focus and no dialog is open. */
import { useEffect, useRef, useState } from 'react'
import { pageOfKey } from './go-keys.ts'

/** Milliseconds for which `g` waits for its letter. */
const goMs = 2_000

interface Actions {
  /** False leaves only shortcuts with Ctrl or Command. */
  hasSingleKeys: boolean
  onPalette(): void
  onAssistant(): void
  onHelp(): void
  onGo(href: string): void
  /** Returns the open page's handler of a key, which returns `false` if it did nothing. */
  ofPage(key: string): (() => unknown) | undefined
}

/** Installs the shortcuts; returns whether `g` was pressed and its letter is awaited. */
export function useShortcuts(actions: Actions): boolean {
  const [isGoing, setGoing] = useState(false)
  const newest = useRef(actions)
  useEffect(() => {
    newest.current = actions
  })
  useEffect(() => {
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let waits = false
    const wait = (isWaiting: boolean) => {
      clearTimeout(timer)
      waits = isWaiting
      setGoing(isWaiting)
      if (isWaiting) timer = setTimeout(() => wait(false), goMs)
    }
    const hear = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return
      const open = event.repeat ? undefined : openedBy(event)
      if (open) {
        event.preventDefault()
        wait(false)
        return open(newest.current)
      }
      if (!newest.current.hasSingleKeys || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target))
        return
      const own = newest.current.ofPage(waits ? `g ${event.key}` : event.key)
      // A held key repeats only the page's own shortcuts, which move through lists.
      if (event.repeat && !own) return
      const page = waits ? pageOfKey(event.key) : undefined
      // Shift is pressed before the key it modifies.
      if (event.key !== 'Shift') wait(event.key === 'g' && !waits)
      if (own) return void (own() !== false && event.preventDefault())
      const act = page === undefined ? singleKeys.get(event.key) : () => newest.current.onGo(page)
      if (!act) return
      event.preventDefault()
      act(newest.current)
    }
    addEventListener('keydown', hear, { signal: ending.signal })
    return () => {
      ending.abort()
      clearTimeout(timer)
    }
  }, [])
  return isGoing
}

const singleKeys: ReadonlyMap<string, (actions: Actions) => void> = new Map([
  ['/', ({ onPalette }) => focusSearch() || onPalette()],
  ['?', ({ onHelp }) => onHelp()],
])

const openingKeys: ReadonlyMap<string, (actions: Actions) => void> = new Map([
  ['k', ({ onPalette }) => onPalette()],
  ['j', ({ onAssistant }) => onAssistant()],
])

/** Ctrl also works on a Mac, as in most web apps. */
function openedBy({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) {
  return ctrlKey !== metaKey && !altKey && !shiftKey ? openingKeys.get(key.toLowerCase()) : undefined
}

/** Returns whether keys type text or choose an option there. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  const written = 'input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select'
  return target.isContentEditable || target.matches(`${written}, [role="textbox"], [role="combobox"]`)
}

/** Focuses the page's search field; returns false if there is none. */
function focusSearch(): boolean {
  const fields = document.querySelectorAll<HTMLInputElement>('#content :is(search input, input[type="search"])')
  const field = [...fields].find(each => each.checkVisibility() && !each.disabled)
  field?.focus()
  field?.select()
  return field !== undefined
}
