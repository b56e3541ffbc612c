/** Serves a document for the page's sandboxed frame only: a preview of a message as its recipients will see it. */
import { guard, type Operation } from '../guard.ts'
import type { Call } from './http-call.ts'
import { refuseOutsideFrame } from './http-origin.ts'
import { handleRaw, type RawRoute } from './http-raw.ts'
import type { HttpServer } from './http-server.ts'
import { measuredHeaders, strangerHeaders } from './security-headers.ts'

/** Registers a frame route; the HTML is sanitized already, and loads nothing external. */
export function handleFrame<Query extends { measured?: 'true' | undefined }>(
  http: HttpServer,
  route: RawRoute<Query>,
  operation: Operation,
  read: (call: Call<Record<string, string>, Query, undefined>) => Promise<{ html: string; accountId: string }>,
): void {
  handleRaw(http, route, operation, async (call, reply) => {
    // Only sessions need the check: a link cannot carry a token, so it cannot open the document in a window.
    if (call.principal.kind === 'session') refuseOutsideFrame(name => call.header(name), http.options.origins)
    const { html, accountId } = await read(call)
    guard(call.principal, operation, accountId)
    await call.checkAgain(accountId)
    const frame = call.query.measured === 'true' ? measuredHeaders() : strangerHeaders(false)
    const headers = { ...frame, 'cache-control': 'no-store' }
    return reply.headers(headers).type('text/html; charset=utf-8').send(html)
  })
}
