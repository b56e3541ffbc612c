/** Endpoints outside the table of JSON endpoints: files, metrics, a frame, redirects, MCP and the documents themselves. */
import { z } from 'zod'
import { OidcSignInQuery } from './access.ts'
import { exportAudit } from './audit.ts'
import {
  DraftFrameQuery,
  DraftUploadQuery,
  draftAttachmentPath,
  draftBounds,
  draftChangeProblems,
  draftHtmlPath,
  draftRawPath,
  draftsApi,
  draftUploadPath,
} from './drafts.ts'
import type { Endpoint } from './endpoint.ts'
import { exportLogs } from './logs.ts'
import {
  attachmentPath,
  attachmentsZipPath,
  MessageFrameQuery,
  MessageRef,
  mailApi,
  messageHtmlPath,
  messagePartPath,
  messageRawPath,
} from './mail.ts'
import { oauthCallbackPath } from './mail-oauth.ts'
import { mcpPath, messagesPath, SseMessageQuery, ssePath, sseSessionName } from './mcp.ts'
import { outboxApi, SubmissionFrameQuery, submissionHtmlPath } from './outbox.ts'
import { AccountId } from './wire.ts'

const rpcMessage = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z
    .union([z.string().max(200), z.int()])
    .optional()
    .describe('Absent in a notification'),
  method: z.string().meta({ examples: ['tools/list'] }),
  params: z.record(z.string(), z.unknown()).optional(),
})

export interface RawEndpoint extends Omit<Endpoint, 'response' | 'status'> {
  /** Name of the operation in metrics and the audit trail. */
  name: string
  /** Media types of a success with an example each; without any the endpoint redirects. */
  media: Record<string, string>
  responseHeaders?: readonly string[]
  status?: 200 | 201 | 302
  /** If the body is a file of any type: its maximum bytes. */
  uploads?: number
  /** Schema of a JSON success. */
  json?: z.ZodType
  /** Further statuses, which carry no problem details. */
  others?: Record<number, string>
}

const docs = { name: 'docs', method: 'GET', tag: 'Documents', scope: 'signed_in', effect: 'read' } as const
const partId = z.string().meta({ examples: ['2'] })
const attachment = {
  method: 'GET',
  tag: 'Mail',
  description:
    'Any attachment by its `id`, streamed. Its name and type are chosen by the sender. An interrupted download ' +
    'resumes with `Range` and the `ETag` in `If-Range`; one range at a time. The size of the file is known once it was read to its end: a range of a file that was not read yet waits for that. `Accept-Ranges: none` if more than 128 MiB would have to be read.',
  scope: 'mail:read',
  effect: 'read',
  headers: [
    { name: 'Range', description: 'The requested bytes of the decoded file', example: 'bytes=1048576-' },
    { name: 'If-Range', description: 'The `ETag` of the partly downloaded file', example: '"q83vASNFZ4k"' },
  ],
  media: { 'application/octet-stream': 'At noon?' },
  responseHeaders: ['Content-Disposition', 'ETag', 'Accept-Ranges', 'Content-Range'],
  others: { 206: 'The requested range' },
  problems: [...mailApi.getMessage.problems!, 'range_not_satisfiable'],
} as const satisfies Omit<RawEndpoint, 'name' | 'path' | 'summary'>
const oidc = { method: 'GET', tag: 'Access', scope: 'public', media: {}, status: 302 } as const
/** Parameters of an OAuth2 redirect (RFC 6749, section 4.1.2), and any that a provider adds. */
const callbackQuery = z.looseObject({
  state: z
    .string()
    .optional()
    .meta({ examples: ['af0ifjsldkj'] }),
  code: z
    .string()
    .optional()
    .meta({ examples: ['SplxlOBeZQQYbYS6WxSbIA'] }),
})
const rpcExample = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'

export const rawApi: readonly RawEndpoint[] = [
  {
    ...exportAudit,
    status: 200,
    name: 'audit.exportAudit',
    media: { 'text/csv': 'number,at,principal_id\n', 'application/jsonl': '{"number":1}\n' },
    responseHeaders: ['Content-Disposition'],
    problems: [],
  },
  {
    ...exportLogs,
    status: 200,
    name: 'logs.exportLogs',
    media: { 'application/jsonl': '{"number":1}\n' },
    responseHeaders: ['Content-Disposition'],
    problems: ['beyond_own_rights'],
  },
  {
    name: 'mail.getMessageHtml',
    method: 'GET',
    path: messageHtmlPath,
    tag: 'Mail',
    summary: 'Get the cleaned HTML of a message, for a sandboxed frame',
    description:
      'Without scripts, and without remote content unless `remote=true`. With a session it is served only to the page’s frame.',
    scope: 'mail:read',
    effect: 'read',
    params: mailApi.getMessage.params!,
    query: MessageFrameQuery,
    media: { 'text/html': '<!doctype html><p>At noon?</p>' },
    problems: [...mailApi.getMessage.problems!, 'frame_only'],
  },
  {
    ...attachment,
    name: 'mail.getAttachment',
    path: attachmentPath,
    summary: 'Download one attachment of a message, decoded',
    params: z.object({ account_id: AccountId, ref: MessageRef, attachment_id: partId }),
  },
  {
    ...attachment,
    name: 'mail.getMessagePart',
    path: messagePartPath,
    summary: 'The same as `…/attachments/{attachment_id}`, under its earlier path',
    params: z.object({ account_id: AccountId, ref: MessageRef, part_id: partId }),
  },
  {
    ...attachment,
    name: 'mail.getMessageRaw',
    path: messageRawPath,
    summary: 'Download a message as it was sent, as an `.eml` file',
    description:
      'Headers and all parts, byte for byte as the mail server has them, streamed. Untrusted content. For an attached message, that message. Ranges as for attachments.',
    params: mailApi.getMessage.params!,
    media: { 'application/octet-stream': 'Subject: At noon?\r\n\r\nYes.' },
  },
  {
    name: 'mail.getAttachmentsZip',
    method: 'GET',
    path: attachmentsZipPath,
    tag: 'Mail',
    summary: 'Download all attachments of a message as one zip archive',
    description:
      'Streamed, decoded and uncompressed: all attachments that the message lists, including inline images. Names are sanitized: no paths, and duplicates are numbered. If the connection ends early the archive is incomplete and invalid; ranges are not supported.',
    scope: 'mail:read',
    effect: 'read',
    params: mailApi.getMessage.params!,
    media: { 'application/octet-stream': 'PK' },
    responseHeaders: ['Content-Disposition', 'Accept-Ranges'],
    problems: mailApi.getMessage.problems!,
  },
  {
    name: 'drafts.uploadAttachment',
    method: 'POST',
    path: draftUploadPath,
    tag: 'Drafts',
    summary: 'Attach a file to a draft',
    description:
      'The body is the file itself, streamed; all attachments together have at most 30 MiB. The upload may be slow as long as 8 KiB a second arrive, with 60 s for pauses. ' +
      'Messages and multipart bodies are attached as `application/octet-stream`.',
    scope: 'mail:draft',
    effect: 'write',
    params: draftsApi.getDraft.params!,
    query: DraftUploadQuery,
    uploads: draftBounds.attachmentBytes,
    status: 201,
    json: draftsApi.getDraft.response,
    media: {},
    problems: [...draftChangeProblems, 'too_large', 'too_many_drafts', 'too_many_requests'],
  },
  {
    name: 'drafts.getHtml',
    method: 'GET',
    path: draftHtmlPath,
    tag: 'Drafts',
    summary: 'Get the HTML of a draft as its recipients will see it, for a sandboxed frame',
    description: 'Cleaned, without remote content. With a session it is served only to the page’s frame.',
    scope: 'mail:draft',
    effect: 'read',
    params: draftsApi.getDraft.params!,
    query: DraftFrameQuery,
    media: { 'text/html': '<!doctype html><p>At noon?</p>' },
    problems: [
      'account_not_found',
      'draft_not_found',
      'draft_changed',
      'too_large',
      'too_many_drafts',
      'overloaded',
      'frame_only',
    ],
  },
  {
    name: 'drafts.getAttachment',
    method: 'GET',
    path: draftAttachmentPath,
    tag: 'Drafts',
    summary: 'Download an attachment of a draft',
    scope: 'mail:draft',
    effect: 'read',
    params: draftsApi.removeAttachment.params!,
    media: { 'application/octet-stream': 'At noon?' },
    responseHeaders: ['Content-Disposition'],
    problems: ['account_not_found', 'draft_not_found', 'attachment_not_found'],
  },
  {
    name: 'drafts.getRaw',
    method: 'GET',
    path: draftRawPath,
    tag: 'Drafts',
    summary: 'Download a draft exactly as it would be sent, as an `.eml` file',
    description: 'The same revision has the same bytes. There is no Bcc header.',
    scope: 'mail:draft',
    effect: 'read',
    params: draftsApi.getDraft.params!,
    media: { 'application/octet-stream': 'Subject: At noon?\r\n\r\nYes.' },
    responseHeaders: ['Content-Disposition', 'ETag'],
    problems: ['account_not_found', 'draft_not_found', 'draft_changed', 'too_large', 'too_many_drafts', 'overloaded'],
  },
  {
    name: 'outbox.getSubmissionHtml',
    method: 'GET',
    path: submissionHtmlPath,
    tag: 'Outbox',
    summary: 'Get the HTML of a message of the outbox as its recipients will see it, for a sandboxed frame',
    description:
      'Made from the exact bytes that are sent, cleaned, without remote content. With a session it is served only to the page’s frame.',
    scope: 'mail:draft',
    effect: 'read',
    params: outboxApi.getSubmissionContent.params!,
    query: SubmissionFrameQuery,
    media: { 'text/html': '<!doctype html><p>At noon?</p>' },
    problems: ['submission_not_found', 'approval_void', 'overloaded', 'frame_only'],
  },
  {
    name: 'metrics.prometheus',
    method: 'GET',
    path: '/metrics',
    tag: 'Metrics',
    summary: 'Get the metrics as Prometheus text, for the accounts that the caller may see',
    scope: 'dashboard:read',
    effect: 'read',
    media: { 'text/plain': 'rustymail_accounts{state="ready"} 1\n' },
  },
  {
    name: 'mcp.exchange',
    method: 'POST',
    path: mcpPath,
    tag: 'MCP',
    summary: 'One message of the Model Context Protocol (Streamable HTTP)',
    description:
      'Offers the tools that the caller’s scopes allow; see `docs/mcp.md`. The body is one message, or in revision 2025-03-26 a batch of up to 50, of at most 64 KiB. Protocol errors are JSON-RPC errors, with 200 or 400. GET and DELETE get 405.',
    scope: 'signed_in',
    effect: 'read',
    headers: [
      {
        name: 'MCP-Protocol-Version',
        description: 'The revision of the protocol that the client speaks',
        example: '2025-11-25',
      },
      {
        name: 'RustyMail-Results',
        description:
          'The form of tool results: `text`, `structured`, or `both`, the default for programs that are not known to show text',
        example: 'structured',
      },
    ],
    body: rpcMessage,
    responseHeaders: ['X-Accel-Buffering'],
    media: { 'application/json': rpcExample, 'text/event-stream': `event: message\ndata: ${rpcExample}\n\n` },
    others: { 202: 'Notification accepted; there is no response', 405: 'GET and DELETE: there are no sessions' },
  },
  {
    name: 'mcp.openSse',
    method: 'GET',
    path: ssePath,
    tag: 'MCP',
    summary: 'A session of the Model Context Protocol of 2024-11-05 (HTTP+SSE)',
    description:
      'For clients that do not speak Streamable HTTP. The first event, `endpoint`, has the URL to which the client posts its messages; the responses arrive on this stream, which is the session.',
    scope: 'signed_in',
    effect: 'read',
    responseHeaders: ['X-Accel-Buffering'],
    media: { 'text/event-stream': `event: endpoint\ndata: ${messagesPath}?${sseSessionName}=sse-x\n\n` },
    problems: ['too_many_streams', 'overloaded', 'origin_not_allowed'],
  },
  {
    name: 'mcp.postSse',
    method: 'POST',
    path: messagesPath,
    tag: 'MCP',
    summary: 'One message of such a session',
    description:
      'The response arrives on the stream of the session, which accepts messages only from the same principal.',
    scope: 'signed_in',
    effect: 'read',
    query: SseMessageQuery,
    body: rpcMessage,
    media: {},
    others: { 202: 'Accepted; the answer comes on the stream' },
    problems: ['not_found'],
  },
  {
    ...oidc,
    name: 'beginOidcSignIn',
    effect: 'read',
    path: '/api/dashboard/session/oidc',
    summary: 'Sign in through the OpenID Connect provider: redirects the browser there',
    description: 'Only if a provider is configured. Sets a cookie that identifies the callback for 10 minutes.',
    limit: 'sign_in',
    query: OidcSignInQuery,
    responseHeaders: ['Location', 'Set-Cookie'],
    problems: ['not_found'],
  },
  {
    ...oidc,
    name: 'finishOidcSignIn',
    effect: 'write',
    path: '/api/dashboard/session/oidc/callback',
    summary: 'The callback of the OpenID Connect provider: opens a session and redirects to the page',
    description:
      'Errors are shown on the page, through `sign_in_error` in its URL. Parameters are those of the provider.',
    limit: 'sign_in',
    query: callbackQuery,
    responseHeaders: ['Location', 'Set-Cookie'],
    problems: ['not_found'],
  },
  {
    ...oidc,
    tag: 'Accounts',
    name: 'finishMailSignIn',
    effect: 'write',
    path: oauthCallbackPath,
    summary: 'The OAuth2 callback for mail accounts: redirects to the page that shows the result of the sign-in',
    description: 'Only in the session that started the sign-in, once. Parameters are those of the provider.',
    limit: 'sign_in',
    query: callbackQuery,
    responseHeaders: ['Location'],
  },
  {
    ...docs,
    path: '/openapi.json',
    summary: 'This document',
    media: { 'application/json': '{"openapi":"3.1.0"}' },
  },
  {
    ...docs,
    path: '/asyncapi.json',
    summary: 'The event stream as an AsyncAPI document',
    media: { 'application/json': '{"asyncapi":"3.0.0"}' },
  },
  {
    ...docs,
    path: '/docs',
    summary: 'This document as a web page',
    description: 'A signed-out browser is redirected to the sign-in and back.',
    media: { 'text/html': '<!doctype html><title>RustyMail API</title>' },
    others: { 302: 'To the sign-in' },
  },
]
