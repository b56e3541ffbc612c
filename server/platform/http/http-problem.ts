/** Turns whatever went wrong into an RFC 9457 answer. What is not a Problem is a bug: logged whole, answered without detail. */
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '../../../contract/problem.ts'
import { type DatabaseFaultKind, databaseFaultKind, isDatabaseFault, isOrphan } from '../database/database-fault.ts'
import type { Logger } from '../logger.ts'
import { Problem } from '../problem.ts'
import { type ClosableResponse, hasLeft } from './under-way.ts'

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

/** How long the reader of a last answer may take for it. */
const lingerMs = 5_000

/** The faults that Fastify finds by itself, in our words. */
const ofFastify: ReadonlyMap<string, [ProblemCode, string]> = new Map(
  Object.entries({
    FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body is too large.'],
    FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send the body as application/json.'],
    FST_ERR_CTP_EMPTY_JSON_BODY: ['bad_request', 'The body is empty, but its content type says JSON.'],
    FST_ERR_CTP_INVALID_JSON_BODY: ['bad_request', 'The body is not valid JSON.'],
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad_request', 'The body is not as long as Content-Length says.'],
    FST_ERR_BAD_URL: ['bad_request', 'The URL of the request is invalid.'],
    FST_ERR_MAX_LIMIT_HIT: ['bad_request', 'A part of the URL is too long.'],
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
  if (error instanceof SyntaxError && statusCode === 400) {
    return new Problem('bad_request', 'The body is not valid JSON, or has a key that is not allowed.', { cause: error })
  }
  if (statusCode === 413) return new Problem('too_large', 'The request is too large.', { cause: error })
  if (statusCode === 415)
    return new Problem('unsupported_media_type', 'Send the body as application/json.', { cause: error })
  if (statusCode === 404) return new Problem('not_found', 'Nothing exists at this path.', { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('bad_request', 'The request is not valid.', { cause: error })
  }
  return undefined
}

/** What reading a body throws when its sender goes away, or is cut for being too slow. */
export function isCutOff(error: unknown, request: { aborted: boolean }): boolean {
  if (!request.aborted || !(error instanceof Error) || isDatabaseFault(error)) return false
  return 'code' in error && /^(ECONNRESET|EPIPE|FST_ERR_CTP_INVALID_CONTENT_LENGTH)$/.test(String(error.code))
}

/**
 * Logs what is ours to look at, and has the request count as failed; of an answer that has begun, nothing more can be done.
 * @param isAlone Its client is gone, and with it what was done for it.
 */
export function noteFault(logger: Logger, error: unknown, request: Request, isAlone = false): Problem {
  const problem = (isAlone && ofLeaving(error)) || toProblem(error) || asBug(logger, error, request)
  request.outcomeCode = problem.code
  if (problem.status >= 500 && problem.code !== 'internal') {
    // Callers refused for overload must not fill the log as well; the figures count them.
    const level = problem.code === 'overloaded' && problem.cause === undefined ? 'debug' : 'warn'
    logger[level]({ request_id: request.id, code: problem.code, detail: problem.message }, 'request failed')
  }
  // Rare, so that a fault of ours would be seen.
  if (isOrphan(error))
    logger.warn({ request_id: request.id, err: error }, 'what a request belongs to was deleted meanwhile')
  return problem
}

/** @param challenge What `WWW-Authenticate` is to say, where something else than usual. */
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
  // RFC 9110, section 11.6.1; MCP clients ask for it. Browsers open no dialog of their own for this scheme.
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

/** What is not even HTTP is answered on the bare socket. */
export function rawProblem(socket: Duplex, problem: Problem): void {
  // The answer before was the last one already.
  if (socket.writableEnded) return
  if (!socket.writable) return void socket.destroy()
  const body = JSON.stringify(problem.toBody('none'))
  // An `import` of it would read each of its exports, of which WebSocket loads all of Node's fetch: 6 MiB.
  const { STATUS_CODES } = process.getBuiltinModule('node:http')
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
  // A reader that does not take it is cut off.
  const cut = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(cut))
}

/** What Node's parser could not make a request of. Undefined when the peer is gone. */
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

/** What ends by the signal of a call, whose reason is that of Node. */
function ofLeaving(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || error.name !== 'AbortError') return undefined
  return new Problem('bad_request', 'The client went away.', { cause: error })
}

function asBug(logger: Logger, error: unknown, request: Request): Problem {
  logger.error({ request_id: request.id, method: request.method, path: request.url.split('?')[0], err: error }, 'a bug')
  return new Problem('internal', 'This is an error in RustyMail itself. The log has it under this request id.', {
    cause: error,
  })
}
