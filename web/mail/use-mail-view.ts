/** Where the reader is: account, folder, search and message, all of it in the address. */
import { useSearchParams } from 'wouter'
import { useUrlState, writeState } from '../platform/url-state.ts'

/** An empty account is the default one; `q` is what is searched for, if anything. `pane` is `folders` while the folders stand in place of the list. */
const defaults = { account: '', folder: 'INBOX', q: '', message: '', pane: '' }

export type MailView = typeof defaults

/**
 * `hrefTo` changes what is given and keeps the rest.
 * @param accountId Which one the address means when it names none: links name it, so that they lead everyone to the same place.
 */
export function useMailView(accountId = ''): { view: MailView; hrefTo(change: Partial<MailView>): string } {
  const [view] = useUrlState(defaults)
  const [search] = useSearchParams()
  const hrefTo = (change: Partial<MailView>) => {
    const next = writeState(search, defaults, { account: view.account || accountId, ...change }).toString()
    return next ? `/mail?${next}` : '/mail'
  }
  return { view, hrefTo }
}
