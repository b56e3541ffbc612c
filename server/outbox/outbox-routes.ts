/** /api/v1/outbox: outgoing messages, and what humans decide about them. */
import { outboxApi, type Submission, SubmissionFrameQuery, submissionHtmlPath } from '../../contract/outbox.ts'
import { renderMessageText } from '../mail/message-html.ts'
import type { Operation } from '../platform/guard.ts'
import type { Call } from '../platform/http/http-call.ts'
import { handleFrame } from '../platform/http/http-frame.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { Problem } from '../platform/problem.ts'
import type { OutboxService } from './outbox-service.ts'
import type { SubmissionContents } from './submission-contents.ts'
import type { SubmissionDecisions } from './submission-decisions.ts'

const frame: Operation = { name: 'outbox.getSubmissionHtml', scope: 'mail:draft', effect: 'read' }

export interface OutboxParts {
  outbox: OutboxService
  decisions: SubmissionDecisions
  contents: SubmissionContents
}

export function outboxRoutes(http: HttpServer, { outbox, decisions, contents }: OutboxParts): void {
  const noted = (call: Call<unknown, unknown, unknown>, { account_id, state, ...submission }: Submission) => {
    call.note({ account_id, state })
    return { ...submission, account_id, state }
  }
  handle(http, outboxApi.listSubmissions, ({ principal, query }) => outbox.list(principal, query))
  handle(http, outboxApi.getSubmission, ({ principal, params }) => outbox.get(principal, params.submission_id))
  handle(http, outboxApi.getSubmissionContent, ({ principal, params, signal }) =>
    contents.get(principal, params.submission_id, signal),
  )
  handleFrame(
    http,
    { path: submissionHtmlPath, query: SubmissionFrameQuery },
    frame,
    async ({ principal, params, query, signal }) => {
      const { submission_id: id = '' } = params
      const { account_id: accountId } = await outbox.get(principal, id)
      const { hash, html, text } = await contents.get(principal, id, signal)
      // A human decides on a hash: the message is shown under that hash or not at all.
      if (hash !== query.hash) throw new Problem('approval_void', 'The message was edited; it has another hash.')
      return { html: html ?? renderMessageText(text), accountId }
    },
  )
  handle(http, outboxApi.cancelSubmission, async call =>
    noted(call, await outbox.cancel(call.principal, call.params.submission_id)),
  )
  handle(http, outboxApi.retrySubmission, async call =>
    noted(call, await decisions.retry(call.principal, call.params.submission_id)),
  )
  handle(http, outboxApi.resolveSubmission, async call => {
    const { principal, params, body } = call
    return noted(call, await decisions.resolve(principal, params.submission_id, body.outcome))
  })
}
