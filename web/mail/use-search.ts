/** The current search, its scope, and whether it is still being typed. */
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { useMailView } from './use-mail-view.ts'

export const scopes = ['folder', 'account', 'all'] as const
export type SearchScope = (typeof scopes)[number]

export interface MailSearch {
  q: string
  scope: SearchScope
  sort: 'date' | 'relevance'
  isTyping: boolean
  /** Whether the last word may be a prefix: it was typed, and Enter has not confirmed it. */
  isOpen: boolean
  /** Searches; empty ends the search. */
  search(q: string): void
  /** Searches while typing: without a history entry, and without asking a mail server. */
  type(q: string): void
  /** Searches after a pause in typing: mail servers are asked as well, and previous results stay. */
  rest(q: string): void
}

/** @param hasIndex Whether all folders are searched by default; a mail server searches one folder at a time. */
export function useSearch(at: ReturnType<typeof useMailView>, hasIndex: boolean): MailSearch {
  const { q, scope, sort } = at.view
  const [, navigate] = useLocation()
  const [open, setOpen] = useState({ q: '', isPaused: false })
  const isOpen = q !== '' && q === open.q
  const lead = (wanted: string, replace: boolean) => {
    if (wanted !== q) navigate(at.hrefTo({ q: wanted, message: '', pane: '' }), { replace })
  }
  return {
    q,
    scope: scopes.find(each => each === scope) ?? (hasIndex ? 'account' : 'folder'),
    sort: sort === 'relevance' ? 'relevance' : 'date',
    isTyping: isOpen && !open.isPaused,
    isOpen,
    search: wanted => {
      setOpen({ q: '', isPaused: false })
      lead(wanted, false)
    },
    type: wanted => {
      setOpen({ q: wanted, isPaused: false })
      // The first letter adds a history entry, so that back returns to the list.
      lead(wanted, q !== '')
    },
    rest: wanted => {
      setOpen({ q: wanted, isPaused: true })
      lead(wanted, q !== '')
    },
  }
}
