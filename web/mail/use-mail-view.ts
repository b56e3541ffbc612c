/** Where the reader is: account, folder, search and message, all of it in the address. */
import { useCallback } from 'react'
import { useSearchParams } from 'wouter'
import { useUrlState, writeState } from '../platform/url-state.ts'

/**
 * An empty account is the default one; `q` is what is searched for, if anything, `scope` how far, and `sort` in which order. `message` is what is open, `thread`
 * the conversation that it is shown in, `of` its account where that is another one. `pane` is `folders` while the folders stand in place
 * of the list; `list` is `messages` where the reader wants no threads.
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
 * `hrefTo` changes what is given and keeps the rest.
 * @param accountId Which one the address means when it names none: links name it, so that they lead everyone to the same place.
 */
export function useMailView(accountId = ''): { view: MailView; hrefTo(change: Partial<MailView>): string } {
  const [view] = useUrlState(defaults)
  const [search] = useSearchParams()
  const account = view.account || accountId
  const hrefTo = useCallback(
    (change: Partial<MailView>) => {
      const of = change.of === account ? '' : change.of
      // What is closed is of no account any more.
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
