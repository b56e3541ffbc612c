/** What a call throws when the server did not do what was asked. */
import type { Problem } from './api.d.ts'

export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** Stable name of what went wrong; `unreachable` when RustyMail itself did not answer. */
  readonly code: string
  /** What went wrong and what to do, for people. */
  readonly detail: string
  /** Of invalid input: each fault with the path of its field. */
  readonly errors: NonNullable<Problem['errors']>
  /** Seconds to wait before the next try, where the server said so. */
  readonly retryAfter: number | undefined
  /** The whole answer. */
  readonly body: Problem

  constructor(body: Problem, retryAfter?: number, cause?: unknown) {
    super(`${body.code}: ${body.detail}`, { cause })
    this.status = body.status
    this.code = body.code
    this.detail = body.detail
    this.errors = body.errors ?? []
    this.retryAfter = retryAfter
    this.body = body
  }
}

/** Also for what a proxy answers in its own words. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const { status, headers } = response
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
  const isOurs = headers.get('content-type')?.startsWith('application/problem+json') ?? false
  // It may break off, too.
  const text = await response.text().catch(() => '')
  const body = isOurs ? parsed(text) : undefined
  if (body) return new ProblemError(body, retryAfter)
  return new ProblemError(unreachable(status, `Something in front of RustyMail answered ${status}.`), retryAfter)
}

function parsed(text: string): Problem | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function noAnswer(cause: unknown): ProblemError {
  return new ProblemError(unreachable(0, 'The server did not answer. Is it running?'), undefined, cause)
}

export function unreachable(status: number, detail: string): Problem {
  return { type: '/problems/unreachable', title: 'No answer', status, detail, instance: '', code: 'unreachable' }
}
