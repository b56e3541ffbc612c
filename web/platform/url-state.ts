/** State in the address: filters, sorting and open items can be linked, and the back button works. */
import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'wouter'

/**
 * Reads and writes state in the query string: `const [view, setView] = useUrlState({ page: '1', filter: '' })`. Values
 * are text; defaults are omitted. `setView(change, { replace: true })` adds no history entry; use it while typing.
 */
export function useUrlState<State extends Record<string, string>>(
  defaults: State,
): [State, (change: Partial<State>, options?: { replace?: boolean }) => void] {
  const [search, setSearch] = useSearchParams()
  const text = search.toString()
  const defaultsText = JSON.stringify(defaults)
  const state = useMemo(() => readState(new URLSearchParams(text), JSON.parse(defaultsText)), [text, defaultsText])
  const setState = useCallback(
    (change: Partial<State>, options?: { replace?: boolean }) =>
      setSearch(before => writeState(before, JSON.parse(defaultsText), change), options),
    [setSearch, defaultsText],
  )
  return [state, setState]
}

export function readState<State extends Record<string, string>>(search: URLSearchParams, defaults: State): State {
  const entries = Object.entries(defaults).map(([name, value]) => [name, search.get(name) ?? value])
  return Object.fromEntries(entries) as State
}

export function writeState(
  search: URLSearchParams,
  defaults: Record<string, string>,
  change: Record<string, string | undefined>,
): URLSearchParams {
  const next = new URLSearchParams(search)
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || value === defaults[name]) next.delete(name)
    else next.set(name, value)
  }
  return next
}
