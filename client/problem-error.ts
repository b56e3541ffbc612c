/** The error that a call throws when the server refuses it, fails, or cannot be reached. */
import type { Problem } from './api.d.ts'

export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  /** HTTP status; 0 if there was no response. */
  readonly status: number
  /** Stable error code; `unreachable` if RustyMail itself did not answer. */
  readonly code: string
  /** Human-readable description of what went wrong and what to do. */
  readonly detail: string
  /** Validation errors of the input, each with the path of its field. */
  readonly errors: NonNullable<Problem['errors']>
  /** Seconds to wait before a retry, if the server sent `Retry-After`. */
  readonly retryAfter: number | undefined
  /** The whole problem document (RFC 9457). */
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

/** Converts an error response, including one from a proxy that is not a problem document. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const { status, headers } = response
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
  const isOurs = headers.get('content-type')?.startsWith('application/problem+json') ?? false
  // Reading the body may fail, too.
  const text = await response.text().catch(() => '')
  const body = isOurs ? parsed(text) : undefined
  if (body) return new ProblemError(body, retryAfter)
  return new ProblemError(unreachable(status, `A proxy before RustyMail answered with status ${status}.`), retryAfter)
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
