/** What is searched for, where, and whether it is still being typed. */
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
  /** The last word may go on: it was typed, and only Enter says that it ends there. */
  isOpen: boolean
  /** Empty to end the search. */
  search(q: string): void
  /** The same while somebody types: no step in the history of the window, and no mail server is asked. */
  type(q: string): void
  /** The typing paused: mail servers are asked as well, and what was found stays. */
  rest(q: string): void
}

/** @param hasIndex Then all folders are searched unless the reader wants fewer; a mail server searches one folder at a time. */
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
      // The first letter is a step: back leads to the list as it was.
      lead(wanted, q !== '')
    },
    rest: wanted => {
      setOpen({ q: wanted, isPaused: true })
      lead(wanted, q !== '')
    },
  }
}
