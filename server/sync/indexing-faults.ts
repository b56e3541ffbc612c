/** What goes wrong while an account is indexed: what ends it, and what costs one folder alone. */
import { IndexFault } from '../index/index-fault.ts'
import { Problem } from '../platform/problem.ts'

/** Until the account is changed, or somebody asks for another try. */
export function isFinal(error: unknown): boolean {
  const codes = ['mail_login_refused', 'account_disabled', 'account_not_found', 'draining']
  if (error instanceof IndexFault) return error.code === 'closed'
  return error instanceof Problem && codes.includes(error.code)
}

export function isOfFolder(error: unknown): error is Problem {
  const codes = ['folder_not_found', 'folder_not_selectable']
  return error instanceof Problem && codes.includes(error.code)
}
