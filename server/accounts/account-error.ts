/** What went wrong with an account, as the contract shows it. */
import type { AccountError } from '../../contract/accounts.ts'
import type { Problem } from '../platform/problem.ts'

export function toAccountError(problem: Problem): AccountError {
  const { fault, server_response, networks } = problem.extension
  return {
    cause: fault ?? (problem.code === 'overloaded' ? 'limit' : 'closed'),
    detail: problem.message,
    server_response: server_response ?? null,
    ...(networks ? { networks } : {}),
    at: new Date().toISOString(),
  }
}
