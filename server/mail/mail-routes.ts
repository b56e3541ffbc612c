/** /api/v1/accounts/{account_id}/…: folders, messages, and a message for the page's frame. */
import { Readable } from 'node:stream'
import {
  attachmentPath,
  attachmentsZipPath,
  MessageFrameQuery,
  mailApi,
  messageHtmlPath,
  messagePartPath,
  messageRawPath,
} from '../../contract/mail.ts'
import type { Operation } from '../platform/guard.ts'
import { refuseOutsideFrame } from '../platform/http/http-origin.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { fileHeaders, strangerHeaders } from '../platform/http/security-headers.ts'
import type { PartRequest } from './mail-queries.ts'
import type { MailService } from './mail-service.ts'
import { type FileOwner, nameOfPart } from './message-files.ts'
import type { MessageLists } from './message-lists.ts'
import type { OpenPart } from './part-download.ts'

const messageHtml: Operation = { name: 'mail.getMessageHtml', scope: 'mail:read', effect: 'read' }
const attachment: Operation = { name: 'mail.getAttachment', scope: 'mail:read', effect: 'read' }
const messagePart: Operation = { ...attachment, name: 'mail.getMessagePart' }
const messageRaw: Operation = { ...attachment, name: 'mail.getMessageRaw' }
const attachmentsZip: Operation = { ...attachment, name: 'mail.getAttachmentsZip' }

export function mailRoutes(http: HttpServer, mail: MailService, lists: MessageLists): void {
  handle(http, mailApi.listFolders, ({ principal, params, query, signal }) =>
    mail.listFolders(principal, params.account_id, { ...query, counts: query.counts === 'true' }, signal),
  )
  handle(http, mailApi.listMessages, ({ principal, params, query, signal }) =>
    lists.list(principal, params.account_id, query, signal),
  )
  handle(http, mailApi.getMessage, ({ principal, params, signal }) =>
    mail.getMessage(principal, params.account_id, params.ref, signal),
  )
  handleRaw(http, { path: messageHtmlPath, query: MessageFrameQuery }, messageHtml, async (call, reply) => {
    const { principal, params, query, signal } = call
    // A link cannot send a token, so a response to one cannot be opened in a window.
    if (principal.kind === 'session') refuseOutsideFrame(name => call.header(name), http.options.origins)
    const remote = query.remote === 'true'
    const headers = strangerHeaders(remote)
    const html = await mail.messageHtml(principal, params.account_id ?? '', params.ref ?? '', remote, signal)
    await call.checkAgain(params.account_id)
    return reply.headers(headers).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html)
  })
  const givePart: RawHandler = async (call, reply) => {
    const { owner, request } = fileOf(call)
    const { part_id = '', attachment_id: partId = part_id } = call.params
    const part = await mail.openAttachment(owner, partId, request)
    return sendFile(reply, part, part.name ?? nameOfPart(partId, part.type))
  }
  handleRaw(http, { path: attachmentPath }, attachment, givePart)
  handleRaw(http, { path: messagePartPath }, messagePart, givePart)
  handleRaw(http, { path: messageRawPath }, messageRaw, async (call, reply) => {
    const { owner, request } = fileOf(call)
    const part = await mail.files.openRaw(owner, request)
    return sendFile(reply, part, part.fileName)
  })
  handleRaw(http, { path: attachmentsZipPath }, attachmentsZip, async (call, reply) => {
    const { owner, request } = fileOf(call)
    const part = await mail.openAttachments(owner.principal, owner.accountId, owner.ref, request)
    return sendFile(reply, part, part.fileName)
  })
}

type RawHandler = Parameters<typeof handleRaw<undefined>>[3]
type RawCall = Parameters<RawHandler>[0]
type Reply = Parameters<RawHandler>[1]

function fileOf(call: RawCall): { owner: FileOwner; request: PartRequest } {
  const { principal, params, signal } = call
  const { account_id: accountId = '', ref = '' } = params
  const asked = { range: call.header('range'), ifRange: call.header('if-range') }
  return {
    owner: { principal, accountId, ref },
    request: { ...asked, signal, checkAgain: () => call.checkAgain(accountId) },
  }
}

function sendFile(reply: Reply, part: OpenPart & { tag?: string }, name: string): Reply {
  reply.headers({ ...fileHeaders(name), ...rangeHeaders(part) })
  return reply.code(part.range ? 206 : 200).send(Readable.from(part.bytes, { objectMode: false }))
}

/** Headers for ranges (RFC 9110, section 14). A known length is sent, which marks the end in place of chunks. */
function rangeHeaders({ tag, size, range, hasRanges }: Omit<OpenPart, 'bytes'> & { tag?: string }) {
  const length = range ? range.last - range.first + 1 : size
  return {
    ...(tag !== undefined && { etag: tag }),
    'accept-ranges': hasRanges ? 'bytes' : 'none',
    ...(length !== undefined && { 'content-length': String(length) }),
    ...(range && { 'content-range': `bytes ${range.first}-${range.last}/${size}` }),
  }
}
