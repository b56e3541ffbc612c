/** /api/v1/outbox: what is on its way out, and what humans decide about it. */
import { outboxApi } from '../../contract/outbox.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { OutboxService } from './outbox-service.ts'

export function outboxRoutes(http: HttpServer, outbox: OutboxService): void {
  handle(http, outboxApi.listSubmissions, ({ principal, query }) => outbox.list(principal, query))
  handle(http, outboxApi.getSubmission, ({ principal, params }) => outbox.get(principal, params.submission_id))
  handle(http, outboxApi.cancelSubmission, async call => {
    const cancelled = await outbox.cancel(call.principal, call.params.submission_id)
    call.note({ account_id: cancelled.account_id, state: cancelled.state })
    return cancelled
  })
}
