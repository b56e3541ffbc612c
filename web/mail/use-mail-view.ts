/** The reader's place in the address: account, folder, search and message. */
import { useCallback } from 'react'
import { useSearchParams } from 'wouter'
import { useUrlState, writeState } from '../platform/url-state.ts'

/**
 * An empty account means the default one; `q` is the search, `scope` its extent, and `sort` its order. `message` is the
 * open message, `thread` the conversation it is shown in, and `of` its account if that is another one. `pane` is
 * `folders` while the folders replace the list; `list` is `messages` if the reader wants no threads.
 */
const defaults = {
  account: '',
  folder: 'INBOX',
  q: '',
  scope: '',
  sort: '',
  message: '',
  thread: '',
  of: '',
  pane: '',
  list: '',
}

export type MailView = typeof defaults

/**
 * Returns the view, and `hrefTo`, which changes the given parts and keeps the rest.
 * @param accountId The account meant when the address names none; links name it, so that they lead everyone to the same
 * place.
 */
export function useMailView(accountId = ''): { view: MailView; hrefTo(change: Partial<MailView>): string } {
  const [view] = useUrlState(defaults)
  const [search] = useSearchParams()
  const account = view.account || accountId
  const hrefTo = useCallback(
    (change: Partial<MailView>) => {
      const of = change.of === account ? '' : change.of
      // A closed message has no thread or account.
      const closing = change.message === '' ? { thread: '', of: '' } : {}
      const next = writeState(search, defaults, {
        account,
        ...change,
        ...closing,
        ...(of !== undefined && { of }),
      }).toString()
      return next ? `/mail?${next}` : '/mail'
    },
    [search, account],
  )
  return { view, hrefTo }
}
