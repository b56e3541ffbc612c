/**
 * Turns errors into RFC 9457 answers. An error that is not a Problem is a bug: logged in full, answered without detail.
 */
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '../../../contract/problem.ts'
import { type DatabaseFaultKind, databaseFaultKind, isDatabaseFault, isOrphan } from '../database/database-fault.ts'
import type { Logger } from '../logger.ts'
import { Problem } from '../problem.ts'
import { type ClosableResponse, hasLeft } from './http-response.ts'

interface Request {
  id: string
  method: string
  url: string
  outcomeCode?: string | undefined
}

interface Reply {
  readonly sent: boolean
  readonly raw: ClosableResponse
  code(status: number): this
  header(name: string, value: string): this
  type(type: string): this
  serializer(write: (body: unknown) => string): this
  send(body: unknown): unknown
}

/** Timeout for a client to read the last answer. */
const lingerMs = 5_000

/** Fastify's own errors, as problems. */
const ofFastify: ReadonlyMap<string, [ProblemCode, string]> = new Map(
  Object.entries({
    FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body is too large.'],
    FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as application/json.'],
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_request', 'The body is not as long as Content-Length says.'],
    FST_ERR_BAD_URL: ['bad_request', 'The URL of the request is invalid.'],
    FST_ERR_NOT_FOUND: ['not_found', 'Nothing exists at this path.'],
  }),
)

const wordsOfFault: Record<DatabaseFaultKind, string> = {
  full: 'The disk of the database is full, so nothing was changed.',
  read_only: 'The database is read-only, so nothing was changed.',
  damaged: 'The database is damaged. Restore a backup: see docs/running.md.',
  removed: 'The files of the database were removed while RustyMail runs, so nothing was changed.',
  silent: 'The database does not answer; try again in a moment.',
  failed: 'The database could not be read or written; the log says why.',
}

export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  const { code, statusCode } = (error ?? {}) as { code?: string; statusCode?: number }
  const known = code === undefined ? undefined : ofFastify.get(code)
  if (known) return new Problem(known[0], known[1], { cause: error })
  const fault = databaseFaultKind(error)
  if (fault) {
    const retryAfterSeconds = fault === 'silent' ? 5 : 10
    return new Problem('overloaded', wordsOfFault[fault], { cause: error, retryAfterSeconds })
  }
  if (isOrphan(error)) return new Problem('not_found', 'What this belongs to was deleted meanwhile.', { cause: error })
  if (statusCode === 413) return new Problem('too_large', 'The request is too large.', { cause: error })
  if (statusCode === 415)
    return new Problem('unsupported_media_type', 'Send the body as application/json.', { cause: error })
  if (statusCode === 404) return new Problem('not_found', 'Nothing exists at this path.', { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('bad_request', 'The request is not valid.', { cause: error })
  }
  return undefined
}

/** Whether an error is that of a body whose sender disconnected, or was cut off for being too slow. */
export function isCutOff(error: unknown, request: { aborted: boolean }): boolean {
  if (!request.aborted || !(error instanceof Error) || isDatabaseFault(error)) return false
  return 'code' in error && /^(ECONNRESET|EPIPE|FST_ERR_CTP_INVALID_CONTENT_LENGTH)$/.test(String(error.code))
}

/**
 * Logs server errors, and marks the request as failed; once an answer has begun, nothing more can be done.
 * @param isAlone Whether the client has disconnected, which aborts the work for it.
 */
export function noteFault(logger: Logger, error: unknown, request: Request, isAlone = false): Problem {
  const problem = (isAlone && ofLeaving(error)) || toProblem(error) || asBug(logger, error, request)
  request.outcomeCode = problem.code
  if (problem.status >= 500 && problem.code !== 'internal') {
    // Rejections due to overload must not flood the log; metrics count them.
    const level = problem.code === 'overloaded' && problem.cause === undefined ? 'debug' : 'warn'
    logger[level]({ request_id: request.id, code: problem.code, detail: problem.message }, 'request failed')
  }
  // Logged since it is rare, and could be a bug.
  if (isOrphan(error))
    logger.warn({ request_id: request.id, err: error }, 'what a request belongs to was deleted meanwhile')
  return problem
}

/** Answers with a problem. @param challenge Overrides `WWW-Authenticate`. */
export function answerProblem(
  logger: Logger,
  error: unknown,
  request: Request,
  reply: Reply,
  challenge?: (problem: Problem) => string | undefined,
): unknown {
  const problem = noteFault(logger, error, request, hasLeft(reply.raw))
  if (reply.sent) return reply
  const { retryAfterSeconds, allow, fileBytes } = problem.extension
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (allow !== undefined) reply.header('allow', allow)
  // RFC 9110, section 14.4.
  if (fileBytes !== undefined) reply.header('content-range', `bytes */${fileBytes}`)
  // Required by RFC 9110, section 11.6.1, and by MCP clients. Browsers show no dialog for this scheme.
  const usual = problem.status === 401 ? 'Bearer realm="RustyMail"' : undefined
  const asked = challenge?.(problem) ?? usual
  if (asked !== undefined) reply.header('www-authenticate', asked)
  return reply
    .code(problem.status)
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer(body => JSON.stringify(body))
    .send(problem.toBody(request.id))
}

/** Answers on the raw socket, for input that is not HTTP. */
export function rawProblem(socket: Duplex, problem: Problem): void {
  // The previous answer was the last one already.
  if (socket.writableEnded) return
  if (!socket.writable) return void socket.destroy()
  const body = JSON.stringify(problem.toBody('none'))
  // An `import` would evaluate all exports, of which WebSocket loads Node's fetch: 6 MiB.
  const { STATUS_CODES } = process.getBuiltinModule('node:http')
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  // A client that does not read the answer is disconnected.
  const cut = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(cut))
}

/** Converts an error of Node's parser; undefined if the peer has disconnected. */
export function problemOfParser({ code }: { code?: string }): Problem | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'HPE_INVALID_EOF_STATE') return undefined
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('request_timeout', 'The request did not arrive completely in time.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('head_too_large', 'The URL and headers of a request may have at most 16 KiB together.')
  }
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return new Problem('too_large', 'The chunk extensions of the body are too long.')
  return new Problem('bad_request', 'This is not a valid HTTP request.')
}

/** Converts Node's AbortError, thrown by work that was aborted by a call's signal. */
function ofLeaving(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || error.name !== 'AbortError') return undefined
  return new Problem('bad_request', 'Client disconnected.', { cause: error })
}

function asBug(logger: Logger, error: unknown, request: Request): Problem {
  logger.error({ request_id: request.id, method: request.method, path: request.url.split('?')[0], err: error }, 'a bug')
  return new Problem('internal', 'This is an error in RustyMail itself. The log has it under this request id.', {
    cause: error,
  })
}
