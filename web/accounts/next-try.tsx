/** When an account that does not work is retried. */
import type { Account } from '../../contract/accounts.ts'
import { isLookedAfter } from './account-words.ts'
import { Countdown } from './ticking-time.tsx'

/** Renders nothing if it is not retried automatically. */
export function NextTry({ account }: { account: Pick<Account, 'last_error' | 'next_retry_at'> }) {
  const { next_retry_at: at } = account
  if (at === null) return null
  if (isLookedAfter(account)) return 'Retried every few seconds'
  return (
    <>
      Next retry <Countdown at={at} />
    </>
  )
}
