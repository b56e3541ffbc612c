/** /api/v1/accounts/{account_id}/…: folders, messages, and one message for the page's frame. */
import { Readable } from 'node:stream'
import { attachmentPath, mailApi, messageHtmlPath, messagePartPath } from '../../contract/mail.ts'
import type { Operation } from '../platform/guard.ts'
import { refuseOutsideFrame } from '../platform/http/http-origin.ts'
import { type HttpServer, handle, handleRaw } from '../platform/http/http-server.ts'
import { fileHeaders, strangerHeaders } from '../platform/http/security-headers.ts'
import { Problem } from '../platform/problem.ts'
import type { MailService } from './mail-service.ts'
import type { OpenPart } from './part-download.ts'

const messageHtml: Operation = { name: 'mail.getMessageHtml', scope: 'mail:read', effect: 'read' }
const attachment: Operation = { name: 'mail.getAttachment', scope: 'mail:read', effect: 'read' }
const messagePart: Operation = { ...attachment, name: 'mail.getMessagePart' }

/** Of parts that come without a name: those that programs know by their endings. */
const endings: ReadonlyMap<string, string> = new Map([
  ['message/rfc822', '.eml'],
  ['text/calendar', '.ics'],
  ['text/plain', '.txt'],
])

function nameFor(partId: string, type: string): string {
  return `part-${partId}${endings.get(type.toLowerCase()) ?? ''}`
}

/** Nothing from outside is loaded unless the reader says `true`. */
function wantsRemote(query: Record<string, string>): boolean {
  const { remote = 'false', ...others } = query
  if (Object.keys(others).length === 0 && ['true', 'false'].includes(remote)) return remote === 'true'
  const message = 'takes only remote=true or remote=false'
  throw new Problem('bad_request', `query: ${message}`, { errors: [{ path: 'query', message }] })
}

export function mailRoutes(http: HttpServer, mail: MailService): void {
  handle(http, mailApi.listFolders, ({ principal, params, query, signal }) =>
    mail.listFolders(principal, params.account_id, { ...query, counts: query.counts === 'true' }, signal),
  )
  handle(http, mailApi.listMessages, ({ principal, params, query, signal }) =>
    mail.listMessages(principal, params.account_id, query, signal),
  )
  handle(http, mailApi.getMessage, ({ principal, params, signal }) =>
    mail.getMessage(principal, params.account_id, params.ref, signal),
  )
  handleRaw(http, messageHtmlPath, messageHtml, async (call, reply) => {
    const { principal, params, query, signal } = call
    // A token cannot be sent by following a link, so what it brings cannot fill a window.
    if (principal.kind === 'session') refuseOutsideFrame(name => call.header(name), http.options.origins)
    const remote = wantsRemote(query)
    const headers = strangerHeaders(remote)
    const html = await mail.messageHtml(principal, params.account_id ?? '', params.ref ?? '', remote, signal)
    await call.checkAgain(params.account_id)
    return reply.headers(headers).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html)
  })
  const givePart: RawHandler = async (call, reply) => {
    const { principal, params, signal } = call
    const { account_id: accountId = '', ref = '', part_id = '', attachment_id: partId = part_id } = params
    const asked = { range: call.header('range'), ifRange: call.header('if-range') }
    const request = { ...asked, signal, checkAgain: () => call.checkAgain(accountId) }
    const part = await mail.openPart(principal, accountId, ref, partId, request)
    reply.headers({ ...fileHeaders(part.name ?? nameFor(partId, part.type)), ...rangeHeaders(part) })
    return reply.code(part.range ? 206 : 200).send(Readable.from(part.bytes, { objectMode: false }))
  }
  handleRaw(http, attachmentPath, attachment, givePart)
  handleRaw(http, messagePartPath, messagePart, givePart)
}

type RawHandler = Parameters<typeof handleRaw>[3]

/** RFC 9110, section 14. How long it is, is said where it is known: that stands in for the end which chunks would tell. */
function rangeHeaders({ tag, size, range, hasRanges }: Omit<OpenPart, 'bytes'> & { tag: string }) {
  const length = range ? range.last - range.first + 1 : size
  return {
    etag: tag,
    'accept-ranges': hasRanges ? 'bytes' : 'none',
    ...(length !== undefined && { 'content-length': String(length) }),
    ...(range && { 'content-range': `bytes ${range.first}-${range.last}/${size}` }),
  }
}
