/** The state of an account in a word, with one for a sandbox account whose server is not running. */
import type { Account } from '../../contract/accounts.ts'
import { useSession } from '../platform/session.ts'
import type { Tone } from '../ui/tone.ts'
import { stateWords } from './account-words.ts'

/** Returns whether an account is the sandbox's while the sandbox is not running. */
export function useIsParked(): (account: Account) => boolean {
  const isRunning = useSession().server.sandbox_running
  return account => account.is_sandbox && !isRunning
}

export function useStateWords(account: Account): { tone: Tone; text: string } {
  const isParked = useIsParked()
  return isParked(account) ? { tone: 'unknown', text: 'Not running' } : stateWords[account.state]
}
