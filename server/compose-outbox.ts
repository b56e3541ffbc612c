/** Messages on their way out, wired by hand. A part of the composition root. */
import type { EventHub } from './events/event-hub.ts'
import { outboxRoutes } from './outbox/outbox-routes.ts'
import { type DraftMarks, OutboxService } from './outbox/outbox-service.ts'
import { SubmissionIds } from './outbox/submission-id.ts'
import { type DueRow, SubmissionStore } from './outbox/submission-store.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'

export interface OutboxSurroundings {
  db: Database
  hub: EventHub
  drafts: DraftMarks
  /** Whether a human stopped what its sender, or its account, sends. */
  isHeld(submission: DueRow): boolean
}

export interface ComposedOutbox {
  outbox: OutboxService
  addRoutes(http: HttpServer): void
  parts: Part[]
}

export function composeOutbox({ db, hub, drafts, isHeld }: OutboxSurroundings): ComposedOutbox {
  const store = new SubmissionStore(db)
  const ids = new SubmissionIds()
  const outbox = new OutboxService({ store, ids, hub, drafts, isHeld })
  return {
    outbox,
    addRoutes: http => outboxRoutes(http, outbox),
    parts: [{ name: 'outbox', start: async () => ids.startAfter(await store.newestId()) }],
  }
}
