/** How the mail server in memory fails: as real ones do, with the same Problems. */
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
