/** /api/v1/outbox: what is on its way out, and what humans decide about it. */
import { outboxApi, type Submission } from '../../contract/outbox.ts'
import type { Call } from '../platform/http/http-call.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { OutboxService } from './outbox-service.ts'
import type { SubmissionContents } from './submission-contents.ts'
import type { SubmissionDecisions } from './submission-decisions.ts'

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
