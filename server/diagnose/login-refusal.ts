/**
 * Explains why a login was refused and what to do: differently for a password than for an account that signs in by
 * OAuth2.
 */
import type { AccountAuth } from '../../contract/accounts.ts'
import type { Problem } from '../platform/problem.ts'
import { type Finding, oneLine } from './check.ts'
import { hintsFor } from './provider-hints.ts'

export const noAccess = 'Access was revoked or has expired: sign in again.'
export const signInAgain = 'Press Sign in again on the account’s page: its mail and settings stay.'
export const providerUnreachable =
  'RustyMail retries automatically. If this persists, check its client id and secret under Configuration, Sign-in of mail accounts.'

export interface RefusedAt {
  part: 'imap' | 'smtp'
  /** The host of the mail server. */
  host: string
  kind: AccountAuth['kind']
}

export function refusal(problem: Problem, { part, host, kind }: RefusedAt): Finding {
  const { fault, server_response: said } = problem.extension
  const details = said ? [['The server said', oneLine(said)] as const] : []
  const failed = (words: string, ...advice: string[]): Finding => ({ state: 'failed', words, details, advice })
  if (fault === 'revoked') {
    return { ...failed(noAccess, signInAgain), details: [['Why', problem.message], ...details] }
  }
  if (fault === 'sign_in_provider') {
    return failed(`There is no access token to log in with: ${problem.message}`, providerUnreachable)
  }
  if (fault === 'login' && kind === 'oauth') {
    return failed(
      'The mail server rejects the access token of this account.',
      'Check that the provider allows IMAP and SMTP for this mailbox, and that the user name is that of the person who signed in.',
      signInAgain,
    )
  }
  if (fault === 'login') {
    return failed(
      'The password is refused: the server does not accept this user name with this password.',
      ...hintsFor(host, part),
      'Check the user name, which is usually the full address, then enter the password again.',
    )
  }
  if (fault === 'limit') {
    return failed(
      problem.message,
      'Close other mail programs that use this account, or lower the number of connections under Configuration.',
    )
  }
  // RustyMail's own refusal, before any server was asked.
  if (problem.code === 'bad_request') {
    return failed(problem.message, 'Correct the server under Edit, or sign in again on the account’s page.')
  }
  return failed(problem.message, 'See what the server said, and try again later.')
}
