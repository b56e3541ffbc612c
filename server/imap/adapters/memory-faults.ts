/** Failures of the in-memory mail server, with the same Problems as those of real ones. */
import { Problem } from '../../platform/problem.ts'

export function closedProblem(): Problem {
  return new Problem('mail_server_unreachable', 'The mail server closed the connection.', {
    fault: 'closed',
    part: 'imap',
  })
}

export async function within(ms: number, step: Promise<void> | void): Promise<void> {
  if (step === undefined) return
  const { promise, reject } = Promise.withResolvers<never>()
  const problem = new Problem('mail_server_timeout', 'The mail server did not answer.', {
    fault: 'timeout',
    part: 'imap',
  })
  const timer = setTimeout(() => reject(problem), ms)
  try {
    await Promise.race([step, promise])
  } finally {
    clearTimeout(timer)
  }
}
