/** How an account fares, in a word: the sandbox's account may be one whose server does not run. */
import type { Account } from '../../contract/accounts.ts'
import { useSession } from '../platform/session.ts'
import type { Tone } from '../ui/tone.ts'
import { stateWords } from './account-words.ts'

/** Whether it is the sandbox's, and the sandbox does not run. */
export function useIsParked(): (account: Account) => boolean {
  const isRunning = useSession().server.sandbox_running
  return account => account.is_sandbox && !isRunning
}

export function useStateWords(account: Account): { tone: Tone; text: string } {
  const isParked = useIsParked()
  return isParked(account) ? { tone: 'unknown', text: 'Not running' } : stateWords[account.state]
}
