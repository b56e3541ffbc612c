/** The outbox, wired by hand: messages are accepted, sent and decided on. A part of the composition root. */
import type { EventOf } from '../contract/event.ts'
import type { AccountService } from './accounts/account-service.ts'
import type { CertificateEnds } from './accounts/certificate-ends.ts'
import type { ProtocolLog } from './accounts/protocol-log.ts'
import type { ComposedMessages } from './drafts/composed-messages.ts'
import type { SentChoice } from './drafts/identity-service.ts'
import type { EventHub } from './events/event-hub.ts'
import { EventStore } from './events/event-store.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { MessageRefs } from './imap/message-ref.ts'
import type { LeaseService } from './leases/lease-service.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import { NodemailerSenders } from './outbox/adapters/nodemailer-sender.ts'
import { BounceCursorStore } from './outbox/bounce-cursor-store.ts'
import { BounceWatcher } from './outbox/bounce-watcher.ts'
import { CopyMemory } from './outbox/copy-memory.ts'
import type { DraftMarks, SubmittedBlobs } from './outbox/draft-marks.ts'
import type { Leaving } from './outbox/leaving.ts'
import { outboxPruner } from './outbox/outbox-pruner.ts'
import { OutboxQueue } from './outbox/outbox-queue.ts'
import { outboxRoutes } from './outbox/outbox-routes.ts'
import { OutboxService } from './outbox/outbox-service.ts'
import { SubmissionContents } from './outbox/submission-contents.ts'
import { SubmissionDecisions } from './outbox/submission-decisions.ts'
import { SubmissionIds } from './outbox/submission-id.ts'
import { type DueRow, SubmissionStore } from './outbox/submission-store.ts'
import { tracedSenders } from './outbox/traced-senders.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import { systemClock } from './platform/timer-clock.ts'
import type { Tracer } from './platform/tracing/tracer.ts'

export interface OutboxSurroundings {
  db: Database
  hub: EventHub
  guard: OutboundGuard
  accounts: AccountService
  pool: ConnectionPool
  refs: MessageRefs
  leases: LeaseService
  drafts: DraftMarks
  blobs: SubmittedBlobs
  messages: ComposedMessages
  /** The timeout until a mail server has accepted the login, in ms. */
  timeoutMs(): number
  /** Returns where copies of messages that an account sends are stored. */
  choiceOf(accountId: string): Promise<SentChoice>
  /** Called with the extensions that the SMTP server of an account offers. */
  greeted(accountId: string, offers: readonly string[]): void
  /** Called when something changed in a folder of an account. */
  notice(accountId: string, path: string): void
  /** Returns true if a human froze sending for this sender or account. */
  isHeld(submission: DueRow): boolean
  /** Returns the rules that decide whether a message may leave. */
  rulesFor(outbox: OutboxService): Leaving
  /** Messages of an account that are sent in parallel. */
  connections: number
  calls: CallMetrics
  /** Keeps the last protocol lines of connections. */
  protocol: ProtocolLog
  certificates: CertificateEnds
  mayPrune: FindLease
  retention: Pick<RetentionClock, 'now'>
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedOutbox {
  outbox: OutboxService
  /** Looks again at held messages, after something may have been released. */
  lookAgain(): void
  addRoutes(http: HttpServer): void
  parts: Part[]
}

export function composeOutbox(around: OutboxSurroundings): ComposedOutbox {
  const { db, hub, guard, accounts, pool, refs, leases, drafts, blobs, messages, timeoutMs, notice } = around
  const { protocol, certificates } = around
  const { isHeld, rulesFor, mayPrune, retention, connections, calls, tracer, logger } = around
  const store = new SubmissionStore(db)
  const events = new EventStore(db)
  const ids = new SubmissionIds()
  const outbox = new OutboxService({ store, ids, hub, drafts, blobs, isHeld, tracer })
  const decisions = new SubmissionDecisions({ store, outbox, drafts, hub, isHeld })
  calls.watchOutbox(() => store.countAllWaiting())
  const contents = new SubmissionContents({ outbox, messages })
  const senders = new NodemailerSenders({ guard, timeoutMs, protocol, certificates, greeted: around.greeted })
  const queue = new OutboxQueue({
    ...{ store, hub, blobs, drafts, pool, refs, leases, notice, logger },
    leaving: rulesFor(outbox),
    memory: new CopyMemory(),
    senders: tracer ? tracedSenders(senders, tracer) : senders,
    tracer,
    loginOf: (accountId, rejected) => accounts.smtpLogin(accountId, rejected),
    choiceOf: around.choiceOf,
    connections: () => connections,
    attempted: state => calls.recordDelivery(state),
    clock: systemClock,
  })
  const bounces = new BounceWatcher({
    ...{ store, hub, pool, clock: systemClock, logger },
    cursors: new BounceCursorStore(db),
    newestArrivals: async limit =>
      (await events.newestOf('mail_received', limit)).map(({ number, data }) => {
        return { number, arrival: JSON.parse(data) as EventOf<'mail_received'>['data'] }
      }),
  })
  const isPruning = () => mayPrune() !== undefined
  const retentionNow = () => retention.now()
  const pruner = outboxPruner({ db, store, blobs, mayPrune: isPruning, retentionNow, logger })
  return {
    outbox,
    lookAgain: () => queue.lookAgain(),
    addRoutes: http => outboxRoutes(http, { outbox, decisions, contents }),
    parts: [
      {
        name: 'outbox',
        start: async () => {
          ids.startAfter(await store.newestId())
          await queue.start()
          pruner.start()
          await bounces.start()
        },
        stop: async () => {
          await bounces.stop()
          await pruner.stop()
          await queue.stop()
        },
      },
    ],
  }
}
