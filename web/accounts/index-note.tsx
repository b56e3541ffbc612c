/** The indexing progress of an account that was just connected, and where to change its level. */
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { formatNumber } from '../platform/format.ts'
import { isReadable } from './account-words.ts'
import { useIndex } from './use-index.ts'

export function IndexNote({ account }: { account: Account }) {
  const { data } = useIndex(account.id, isReadable(account))
  if (!data) return null
  return (
    <p className="text-sm text-soft">
      {wordsOf(data)}{' '}
      <Link href={`/accounts/${account.id}`} className="font-medium text-accent hover:underline">
        Change what is indexed
      </Link>
    </p>
  )
}

function wordsOf({ state, level, places, server_messages: onServer }: IndexStatus): string {
  if (state === 'off') return 'Its mail is not indexed: lists and searches ask the mail server.'
  const what = level === 'text' ? 'its mail' : 'the headers of its mail'
  if (state === 'complete') return `RustyMail has indexed ${what}.`
  const far = onServer > 0 ? `: ${formatNumber(places)} of ${formatNumber(onServer)} messages` : ''
  return `RustyMail indexes ${what}${far}. Mail can be read meanwhile.`
}
