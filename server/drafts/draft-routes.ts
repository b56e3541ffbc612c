/** /api/v1/accounts/{account_id}/drafts: drafts, their attachments, and the message as it would leave. */
import { Readable } from 'node:stream'
import {
  DraftFrameQuery,
  DraftUploadQuery,
  draftAttachmentPath,
  draftBounds,
  draftHtmlPath,
  draftRawPath,
  draftsApi,
  draftUploadPath,
} from '../../contract/drafts.ts'
import type { Blobs } from '../blobs/blobs.ts'
import { renderMessageText } from '../mail/message-html.ts'
import type { Operation } from '../platform/guard.ts'
import { handleFrame } from '../platform/http/http-frame.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { handleUpload } from '../platform/http/http-upload.ts'
import { fileHeaders } from '../platform/http/security-headers.ts'
import type { ComposedMessages } from './composed-messages.ts'
import type { DraftAttachments } from './draft-attachments.ts'
import type { DraftComposer } from './draft-composer.ts'
import type { DraftService } from './draft-service.ts'
import type { IdentityService } from './identity-service.ts'

const upload: Operation = { name: 'drafts.uploadAttachment', scope: 'mail:draft', effect: 'write' }
const attachment: Operation = { name: 'drafts.getAttachment', scope: 'mail:draft', effect: 'read' }
const frame: Operation = { name: 'drafts.getHtml', scope: 'mail:draft', effect: 'read' }
const raw: Operation = { name: 'drafts.getRaw', scope: 'mail:draft', effect: 'read' }

export interface DraftParts {
  drafts: DraftService
  attachments: DraftAttachments
  composer: DraftComposer
  messages: ComposedMessages
  identities: IdentityService
  blobs: Pick<Blobs, 'read'>
}

export function draftRoutes(http: HttpServer, parts: DraftParts): void {
  const { drafts, attachments, composer, messages, identities, blobs } = parts
  handle(http, draftsApi.createDraft, async call => {
    const { principal, params, body, signal } = call
    const draft = await drafts.create(principal, params.account_id, body, signal, call.header('idempotency-key'))
    call.note({ draft_id: draft.id, mode: draft.mode })
    return draft
  })
  handle(http, draftsApi.listDrafts, ({ principal, params, query }) => drafts.list(principal, params.account_id, query))
  handle(http, draftsApi.getDraft, ({ principal, params }) => drafts.get(principal, params.account_id, params.draft_id))
  handle(http, draftsApi.changeDraft, ({ principal, params, body }) =>
    drafts.change(principal, params.account_id, params.draft_id, body),
  )
  handle(http, draftsApi.discardDraft, ({ principal, params, query }) =>
    drafts.discard(
      principal,
      params.account_id,
      params.draft_id,
      query.rev === undefined ? undefined : Number(query.rev),
    ),
  )
  handle(http, draftsApi.attachFromMessage, ({ principal, params, body, signal }) => {
    const named = { message: body.message, attachmentId: body.attachment_id }
    return attachments.addFromMessage(ownerIn(principal, params), body.rev, named, signal)
  })
  handle(http, draftsApi.removeAttachment, ({ principal, params, query }) =>
    attachments.remove(ownerIn(principal, params), Number(query.rev), params.attachment_id),
  )
  handle(http, draftsApi.previewDraft, async ({ principal, params, signal }) => {
    const { rev } = await drafts.getRow(principal, params.account_id, params.draft_id)
    const composed = await composer.compose(principal, params.account_id, params.draft_id, rev, signal)
    return { rev, ...(await messages.read(composed, principal, signal)) }
  })
  handle(http, draftsApi.getSignature, ({ principal, params }) => identities.get(principal, params.account_id))
  handle(http, draftsApi.setSignature, ({ principal, params, body }) =>
    identities.set(principal, params.account_id, body),
  )
  handleFrame(http, { path: draftHtmlPath, query: DraftFrameQuery }, frame, async call => {
    const { principal, params, query, signal } = call
    const { accountId, draftId } = ownerIn(principal, params)
    const composed = await composer.compose(principal, accountId, draftId, Number(query.rev), signal)
    const { html, text } = await messages.read(composed, principal, signal)
    return { html: html ?? renderMessageText(text), accountId }
  })
  const uploaded = { path: draftUploadPath, query: DraftUploadQuery }
  handleUpload(http, uploaded, upload, draftBounds.attachmentBytes, async (call, { type, bytes }) => {
    const { principal, params, query } = call
    const owner = ownerIn(principal, params)
    const file = { name: query.name, type: query.type ?? type, bytes }
    const draft = await attachments.add(owner, Number(query.rev), file, () => call.checkAgain(params.account_id))
    call.note({ name: query.name })
    return { status: 201, answer: draftsApi.getDraft.response.parse(draft) }
  })
  handleRaw(http, { path: draftAttachmentPath }, attachment, async (call, reply) => {
    const { principal, params } = call
    const file = await attachments.open(ownerIn(principal, params), params.attachment_id ?? '')
    reply.headers({ ...fileHeaders(file.name), 'content-length': String(file.sizeBytes) })
    return reply.send(Readable.from(file.bytes, { objectMode: false }))
  })
  handleRaw(http, { path: draftRawPath }, raw, async (call, reply) => {
    const { principal, params, signal } = call
    const { accountId, draftId } = ownerIn(principal, params)
    const { rev } = await drafts.getRow(principal, accountId, draftId)
    const composed = await composer.compose(principal, accountId, draftId, rev, signal)
    await call.checkAgain(accountId)
    const headers = fileHeaders(`${composed.subject.slice(0, 100).toWellFormed() || 'draft'}.eml`)
    reply.headers({ ...headers, 'content-length': String(composed.sizeBytes), etag: `"${composed.sha256}"` })
    return reply.send(Readable.from(blobs.read(composed.blobId), { objectMode: false }))
  })
}

function ownerIn(
  principal: Parameters<DraftService['get']>[0],
  { account_id: accountId = '', draft_id: draftId = '' }: { account_id?: string; draft_id?: string },
) {
  return { principal, accountId, draftId }
}
