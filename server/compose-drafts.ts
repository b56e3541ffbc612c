/** Drafts, wired by hand: written, composed and shown. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import { blobPruner } from './blobs/blob-pruner.ts'
import { Blobs } from './blobs/blobs.ts'
import { AnsweredMessages } from './drafts/answered-messages.ts'
import { AttachmentFiles } from './drafts/attachment-files.ts'
import { ComposedMessages } from './drafts/composed-messages.ts'
import { DraftAttachments } from './drafts/draft-attachments.ts'
import { DraftComposer } from './drafts/draft-composer.ts'
import { DraftCopier } from './drafts/draft-copier.ts'
import { DraftCopyStore } from './drafts/draft-copy-store.ts'
import { DraftKeys } from './drafts/draft-keys.ts'
import { draftPruner } from './drafts/draft-pruner.ts'
import { draftRoutes } from './drafts/draft-routes.ts'
import { DraftService } from './drafts/draft-service.ts'
import { DraftStore } from './drafts/draft-store.ts'
import { DraftWarnings } from './drafts/draft-warnings.ts'
import { IdentityService } from './drafts/identity-service.ts'
import { IdentityStore } from './drafts/identity-store.ts'
import { ProposedDrafts } from './drafts/proposed-drafts.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { MessageRefs } from './imap/message-ref.ts'
import type { IndexThreads } from './index/index-threads.ts'
import type { LeaseService } from './leases/lease-service.ts'
import type { MailService } from './mail/mail-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { ProposalIntake } from './platform/proposal-intake.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import type { Shown } from './platform/shown.ts'
import type { StrangerReads } from './policies/stranger-reads.ts'
import type { HtmlCleaner } from './reading/html-cleaner.ts'
import type { OutgoingBodies } from './reading/outgoing-bodies.ts'
import type { AccountIndexer } from './sync/account-indexer.ts'

export interface DraftSurroundings {
  db: Database
  hub: EventHub
  accounts: AccountService
  mail: MailService
  cleaner: HtmlCleaner
  bodies: OutgoingBodies
  pool: ConnectionPool
  refs: MessageRefs
  leases: LeaseService
  index: IndexThreads
  /** Returns the indexer of an account; undefined while none runs. */
  indexerOf(accountId: string): AccountIndexer | undefined
  mayPrune: FindLease
  retention: Pick<RetentionClock, 'now'>
  /** Takes drafts that are only proposed. */
  intake: ProposalIntake
  /** Records that a program was shown the text of strangers, which quoting a message in a draft does. */
  shown: Shown
  /** The largest message, in bytes, that the SMTP server of an account accepts; undefined if it names no limit. */
  sizeLimitOf(accountId: string): number | undefined
  /** Returns those of the addresses to which the account has sent mail before. */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  /** Returns the taint of the writers of drafts. */
  taintOf: StrangerReads['taintOf']
  logger: Logger
}

export interface ComposedDrafts {
  blobs: Blobs
  drafts: DraftService
  /** Drafts that wait for a human's decision. */
  proposed: ProposedDrafts
  attachments: DraftAttachments
  composer: DraftComposer
  /** Composed messages in the form that people are shown. */
  messages: ComposedMessages
  identities: IdentityService
  /** Idempotency keys of calls that may be repeated. */
  keys: DraftKeys
  addRoutes(http: HttpServer): void
  parts: Part[]
}

export function composeDrafts(around: DraftSurroundings): ComposedDrafts {
  const { db, hub, accounts, mail, cleaner, bodies, pool, refs, leases, index, indexerOf, mayPrune, logger } = around
  const retentionNow = () => around.retention.now()
  const isPruning = () => mayPrune() !== undefined
  const store = new DraftStore(db)
  const blobs = new Blobs(db)
  const identities = new IdentityService(new IdentityStore(db), accounts)
  const files = new AttachmentFiles({ store, blobs, mail, sizeLimitOf: around.sizeLimitOf })
  const answers = new AnsweredMessages({ mail: heardMail(mail, around.shown), bodies })
  const keys = new DraftKeys(store)
  const copies = new DraftCopyStore(db)
  const isIndexed = (accountId: string) => indexerOf(accountId) !== undefined
  const warnings = new DraftWarnings({ index, isIndexed, writtenTo: around.writtenTo })
  const drafts = new DraftService({
    store,
    keys,
    blobs,
    hub,
    accounts,
    identities,
    answers,
    files,
    copies,
    refs,
    warnings,
    intake: around.intake,
    taintOf: around.taintOf,
  })
  const proposed = new ProposedDrafts({ store, copies, drafts, blobs })
  const composer = new DraftComposer({ drafts, store, blobs, bodies, hub, accounts })
  const attachments = new DraftAttachments({ drafts, store, blobs, files })
  const messages = new ComposedMessages({ blobs, cleaner })
  const emailOf = (accountId: string) => accounts.emailOf(accountId)
  const notice = (accountId: string, path: string) => indexerOf(accountId)?.notice(path)
  const copier = new DraftCopier({ store, copies, composer, blobs, pool, emailOf, notice, hub, leases, logger })
  const pruner = blobPruner({ blobs, mayPrune: isPruning, logger })
  const forgetting = draftPruner({ db, store, blobs, mayPrune: isPruning, retentionNow, logger })
  return {
    ...{ blobs, drafts, proposed, attachments, composer, messages, identities, keys },
    addRoutes: http => draftRoutes(http, { drafts, attachments, composer, messages, identities, blobs }),
    parts: [
      { name: 'blobs', start: () => pruner.start(), stop: () => pruner.stop() },
      { name: 'drafts', start: () => forgetting.start(), stop: () => forgetting.stop() },
      { name: 'copies of drafts', start: () => copier.start(), stop: () => copier.stop() },
    ],
  }
}

/**
 * Records reads of the answered message: a reply shows its writer the quotation, subject and names, as reading it
 * would.
 */
function heardMail(mail: MailService, shown: Shown): Pick<MailService, 'getMessage' | 'files'> {
  return {
    files: mail.files,
    getMessage: async (principal, accountId, ...asked) => {
      const message = await mail.getMessage(principal, accountId, ...asked)
      await shown(principal, { name: 'mail.getMessage', scope: 'mail:read', effect: 'read' }, accountId, message)
      return message
    },
  }
}
