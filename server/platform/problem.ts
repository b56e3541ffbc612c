/** The error that a client may see. Everything else that is thrown is a bug and answered without detail. */
import { type ProblemBody, type ProblemCode, problems } from '../../contract/problem.ts'

type Named = 'errors' | 'missing_scope' | 'part' | 'server_response' | 'networks' | 'setting'
type Extension = Partial<Pick<ProblemBody, Named>> & {
  /** Why a mail server could not be used; `cause` on the wire. */
  fault?: NonNullable<ProblemBody['cause']>
  retryAfterSeconds?: number
  /** The methods that there are at this address, as the header has them. */
  allow?: string
  /** How long the file is of which a range was asked for. */
  fileBytes?: number
}

export class Problem extends Error {
  readonly code: ProblemCode
  readonly extension: Extension

  /** @param detail In words for a person, without secrets: it is answered as it stands. */
  constructor(code: ProblemCode, detail: string, options: Extension & { cause?: unknown } = {}) {
    const { cause, ...extension } = options
    // Refusals come in floods and are not bugs: to walk the stack costs more than the rest of the answer.
    const { stackTraceLimit } = Error
    if (problems[code].status < 500 || code === 'overloaded') Error.stackTraceLimit = 0
    super(detail, cause === undefined ? undefined : { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'Problem'
    this.code = code
    this.extension = extension
  }

  get status(): number {
    return problems[this.code].status
  }

  /** The RFC 9457 body; `instance` is the request id. */
  toBody(instance: string): ProblemBody {
    const { fault, retryAfterSeconds: _header, allow: _methods, fileBytes: _length, ...extension } = this.extension
    const { status, title } = problems[this.code]
    return {
      type: `/problems/${this.code}`,
      title,
      status,
      detail: this.message,
      instance,
      code: this.code,
      ...extension,
      ...(fault ? { cause: fault } : {}),
    }
  }
}

/** That we stop is no fault of what was being done: it is neither told nor noted, and done after the next start. */
export function isStopping(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error instanceof Problem && error.code === 'draining') || isStopping(error.cause)
}
