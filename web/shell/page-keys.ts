/** The keys of the page that is open, beside those that work everywhere. */
import { createContext, type RefObject, useContext, useEffect, useRef } from 'react'

/** By key; `g i` is pressed one after the other. `false`: it did nothing, and the key keeps what it does otherwise. */
export type PageKeys = Readonly<Record<string, () => unknown>>

/** Of all components that have keys now. */
export const PageKeysContext = createContext<RefObject<Set<RefObject<PageKeys>>> | undefined>(undefined)

/** While the component lives. Where two have the same key, it is of the one that came last. */
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

/** Does what a key of this page does, for those without one at hand. It answers whether there was such a key. */
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
