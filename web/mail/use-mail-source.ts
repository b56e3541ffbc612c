/** Chooses the source of a list: threads if there is an index, else the mail server's list or search. */
import { useMemo } from 'react'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { found, type MailSource, messagesOf, threadsOf } from './mail-sources.ts'
import { searchIn } from './search-terms.ts'
import type { MailView } from './use-mail-view.ts'
import type { MailSearch } from './use-search.ts'

/**
 * Returns whether the index holds every message that the server had at the last comparison; it stays usable while being
 * compared again.
 */
export function isUsable(index: IndexStatus | undefined): boolean {
  if (!index || index.state === 'off') return false
  return index.state === 'complete' || (index.server_messages > 0 && index.places >= index.server_messages)
}

export function useMailSource(accountId: string, view: MailView, search: MailSearch, hasIndex: boolean): MailSource {
  const { folder, list } = view
  const { q, scope, sort, isOpen, isTyping } = search
  return useMemo(() => {
    if (q === '') return listIn(accountId, folder, hasIndex && list !== 'messages')
    const wanted = scope === 'folder' ? searchIn(folder, q) : q
    const whose = scope === 'all' ? undefined : accountId
    return found({
      q: wanted,
      accountId: whose,
      folder: scope === 'folder' ? folder : undefined,
      sort,
      isOpen,
      isTyping,
      isSlow: !hasIndex,
    })
  }, [accountId, folder, list, q, scope, sort, isOpen, isTyping, hasIndex])
}

export function listIn(accountId: string, folder: string, asThreads: boolean): MailSource {
  return asThreads ? threadsOf(accountId, folder) : messagesOf(accountId, folder)
}
