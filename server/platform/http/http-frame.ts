/** Serves a document for the sandboxed frame of the page alone: of what is to be sent, as its recipients will see it. */
import { guard, type Operation } from '../guard.ts'
import type { Call } from './http-call.ts'
import { refuseOutsideFrame } from './http-origin.ts'
import { handleRaw } from './http-raw.ts'
import type { HttpServer } from './http-server.ts'
import { strangerHeaders } from './security-headers.ts'

export type FrameCall = Call<Record<string, string>, Record<string, string>, unknown>

/** Its HTML is clean already; nothing from outside is loaded. */
export function handleFrame(
  http: HttpServer,
  path: string,
  operation: Operation,
  read: (call: FrameCall) => Promise<{ html: string; accountId: string }>,
): void {
  handleRaw(http, path, operation, async (call, reply) => {
    // A token cannot be sent by following a link, so what it brings cannot fill a window.
    if (call.principal.kind === 'session') refuseOutsideFrame(name => call.header(name), http.options.origins)
    const { html, accountId } = await read(call)
    guard(call.principal, operation, accountId)
    await call.checkAgain(accountId)
    const headers = { ...strangerHeaders(false), 'cache-control': 'no-store' }
    return reply.headers(headers).type('text/html; charset=utf-8').send(html)
  })
}
