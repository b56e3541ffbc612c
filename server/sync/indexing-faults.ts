/** Classifies errors of indexing: those that end it, and those that affect one folder only. */
import { IndexFault } from '../index/index-fault.ts'
import { Problem } from '../platform/problem.ts'

/** True when indexing ends until the account changes or a retry is requested. */
export function isFinal(error: unknown): boolean {
  const codes = ['mail_login_refused', 'account_disabled', 'account_not_found', 'draining']
  if (error instanceof IndexFault) return error.code === 'closed'
  return error instanceof Problem && codes.includes(error.code)
}

export function isOfFolder(error: unknown): error is Problem {
  const codes = ['folder_not_found', 'folder_not_selectable']
  return error instanceof Problem && codes.includes(error.code)
}
