/** The keys that work on every page, while nobody types and no dialog is open. */
import { useEffect, useRef, useState } from 'react'
import { pageOfKey } from './go-keys.ts'

/** How long `g` waits for its letter. */
const goMs = 2_000

interface Actions {
  /** False leaves only those with Ctrl or Command. */
  hasSingleKeys: boolean
  onPalette(): void
  onAssistant(): void
  onHelp(): void
  onGo(href: string): void
  /** What a key does on the page that is open now; it answers `false` where it did nothing. */
  ofPage(key: string): (() => unknown) | undefined
}

/** Answers whether `g` was pressed and its letter is awaited. */
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
      // Held down, a key walks through a list; whatever else it does, it does once.
      if (event.repeat && !own) return
      const page = waits ? pageOfKey(event.key) : undefined
      // A modifier comes before its key.
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

/** With Ctrl too on a Mac, as in most programs of the web. */
function openedBy({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) {
  return ctrlKey !== metaKey && !altKey && !shiftKey ? openingKeys.get(key.toLowerCase()) : undefined
}

/** Where keys write, or choose: in a list to choose from, a letter goes to what begins with it. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  const written = 'input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select'
  return target.isContentEditable || target.matches(`${written}, [role="textbox"], [role="combobox"]`)
}

/** False where the page has nothing to search in. */
function focusSearch(): boolean {
  const fields = document.querySelectorAll<HTMLInputElement>('#content :is(search input, input[type="search"])')
  const field = [...fields].find(each => each.checkVisibility() && !each.disabled)
  field?.focus()
  field?.select()
  return field !== undefined
}
