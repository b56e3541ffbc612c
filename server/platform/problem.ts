/** An error that clients may see. Any other error is a bug, and is answered without detail. */
import { type ProblemBody, type ProblemCode, problems } from '../../contract/problem.ts'

/** Where a request is wrong: `body.imap.port`, `query.limit`, `path.account_id`, `header.idempotency-key`. */
type Part = 'path' | 'query' | 'body' | 'header'
export type InputPath = Part | `${Part}.${string}`
export type InputFault = NonNullable<ProblemBody['errors']>[number] & { path: InputPath }

type Named = 'missing_scope' | 'part' | 'server_response' | 'networks' | 'setting'
type Extension = Partial<Pick<ProblemBody, Named>> & {
  errors?: InputFault[]
  /** Why a mail server could not be used; named `cause` in the answer. */
  fault?: NonNullable<ProblemBody['cause']>
  retryAfterSeconds?: number
  /** Value of the Allow header. */
  allow?: string
  /** Size of the file of which an invalid range was requested. */
  fileBytes?: number
}

export class Problem extends Error {
  readonly code: ProblemCode
  readonly extension: Extension

  /** @param detail Human-readable and without secrets, as it is sent to the client. */
  constructor(code: ProblemCode, detail: string, options: Extension & { cause?: unknown } = {}) {
    const { cause, ...extension } = options
    // No stack traces for client errors: they may come in floods, and a stack costs more than the rest of the answer.
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

/** Returns the problem of one field of a request; `message` continues a sentence that begins with the field. */
export function badInput(path: InputPath, message: string): Problem {
  return new Problem('bad_request', `${path}: ${message}`, { errors: [{ path, message }] })
}

/** Whether work failed only because the server is stopping: it is not reported, and is retried after the next start. */
export function isStopping(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (error instanceof Problem && error.code === 'draining') || isStopping(error.cause)
}
