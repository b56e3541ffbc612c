/** Shortcuts of the open page, in addition to the global ones. */
import { createContext, type RefObject, useContext, useEffect, useRef } from 'react'

/**
 * Handlers by key; `g i` is a sequence. A handler that returns `false` did nothing, so the key keeps its default
 * action.
 */
export type PageKeys = Readonly<Record<string, () => unknown>>

/** The shortcuts of all mounted components. */
export const PageKeysContext = createContext<RefObject<Set<RefObject<PageKeys>>> | undefined>(undefined)

/** Registers shortcuts while the component is mounted; for the same key, the last one wins. */
export function usePageKeys(keys: PageKeys): void {
  const all = useContext(PageKeysContext)
  const newest = useRef(keys)
  useEffect(() => {
    newest.current = keys
  })
  useEffect(() => {
    all?.current.add(newest)
    return () => void all?.current.delete(newest)
  }, [all])
}

/** Returns a function that triggers a shortcut without a keyboard; it returns whether there is one. */
export function usePressKey(): (key: string) => boolean {
  const all = useContext(PageKeysContext)
  return key => {
    const act = findPageKey(all?.current, key)
    return act !== undefined && act() !== false
  }
}

export function findPageKey(all: ReadonlySet<RefObject<PageKeys>> | undefined, key: string) {
  return [...(all ?? [])].findLast(({ current }) => Object.hasOwn(current, key))?.current[key]
}
