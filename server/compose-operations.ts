/**
 * Changes of mail, wired by hand: accepted, carried out in order, undone and pruned. A part of the composition root.
 */
import type { AccountService } from './accounts/account-service.ts'
import type { EventHub } from './events/event-hub.ts'
import type { HistorySink } from './history/history-recorder.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { MailConnection } from './imap/mail-gateway.ts'
import type { MessageRefs } from './imap/message-ref.ts'
import type { ExpectedChanges } from './index/expected-changes.ts'
import type { IndexThreads } from './index/index-threads.ts'
import type { LeaseService } from './leases/lease-service.ts'
import { AcceptedCalls, type AcceptedCallsOptions, defaultBounds } from './operations/accepted-calls.ts'
import { CallKeyStore } from './operations/call-key-store.ts'
import { FolderService } from './operations/folder-service.ts'
import { FreshOperations } from './operations/fresh-operations.ts'
import { MovedMessageStore } from './operations/moved-message-store.ts'
import { NamedMessages } from './operations/named-messages.ts'
import type { IsHeld, MayChange } from './operations/operation-control.ts'
import { OperationIds } from './operations/operation-id.ts'
import { operationPruner } from './operations/operation-pruner.ts'
import { OperationQueue } from './operations/operation-queue.ts'
import { operationRoutes } from './operations/operation-routes.ts'
import { OperationService } from './operations/operation-service.ts'
import { OperationStore } from './operations/operation-store.ts'
import { ProposedChanges } from './operations/proposed-changes.ts'
import { ProposedOperations, type ProposedOperationsOptions } from './operations/proposed-operations.ts'
import { ShownOperations } from './operations/shown-operations.ts'
import { UndoService } from './operations/undo-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { ProposalIntake } from './platform/proposal-intake.ts'
import type { RetentionClock } from './platform/retention-clock.ts'
import type { AccountIndexer } from './sync/account-indexer.ts'

export interface OperationSurroundings {
  db: Database
  hub: EventHub
  pool: ConnectionPool
  refs: MessageRefs
  accounts: AccountService
  index: IndexThreads
  /** The changes that the index shows before they are done. */
  expected: ExpectedChanges
  /** Returns the indexer of an account; undefined while none runs. */
  indexerOf(accountId: string): AccountIndexer | undefined
  leases: LeaseService
  mayPrune: FindLease
  retention: Pick<RetentionClock, 'now'>
  history: Pick<HistorySink, 'count'>
  /** Takes changes that are only proposed. */
  intake?: ProposalIntake
  logger: Logger
  /** Refuses and holds changes; undefined if nothing is refused or held. */
  control?: { mayChange: MayChange; isHeld: IsHeld }
}

/** Timeout in ms for searching all folders for a message that another program moved. */
const lookMs = 10_000

export interface ComposedOperations {
  operations: OperationService
  folders: FolderService
  /** Operations that wait for a human's decision. */
  proposed: { operations: ProposedOperations; changes: ProposedChanges }
  /** Looks again at held operations, after something may have been released. */
  lookAgain(): void
  addRoutes(http: HttpServer): void
  /** Started before the indexers, which show waiting changes. */
  before: Part
  /** Started after the indexers, which are notified of changes. */
  parts: Part[]
}

export function composeOperations(around: OperationSurroundings): ComposedOperations {
  const { db, hub, pool, refs, accounts, index, expected, indexerOf, leases, mayPrune, retention, logger, control } =
    around
  const { intake, history } = around
  const store = new OperationStore(db)
  const keys = new CallKeyStore(db)
  const moved = new MovedMessageStore(db)
  const ids = new OperationIds()
  const shown = new ShownOperations({ expected, indexerOf })
  const fresh = new FreshOperations()
  const lookAhead: AcceptedCallsOptions['lookAhead'] = (added, early) => queue.lookAhead(added, early)
  const lookEarly: AcceptedCallsOptions['lookEarly'] = (accountId, to) => queue.lookEarly(accountId, to)
  const calls = new AcceptedCalls(
    { store, keys, shown, fresh, lookAhead, lookEarly, ...(intake && { intake }) },
    hub,
    defaultBounds,
  )
  const named = new NamedMessages({
    ...{ refs, index, expected },
    isIndexed: accountId => indexerOf(accountId) !== undefined,
    look: async accountId => (await indexerOf(accountId)?.look(lookMs)) ?? false,
  })
  const foldersOf = (accountId: string, signal: AbortSignal) =>
    pool.run(accountId, 'interactive', connection => connection.listFolders(false), signal)
  // People select thousands of messages at once, so their changes are not counted.
  const taken: ProposedOperationsOptions['taken'] = ({ id, kind }, messages) =>
    kind !== 'session' && messages > 0 && history.count('messages_changed', { principal: id }, messages)
  const operations = new OperationService({
    taken,
    ...{ store, calls, ids, named, refs, hub, accounts },
    knownFolders: accountId => indexerOf(accountId)?.listing,
    ...control,
    foldersOf,
  })
  const folders = new FolderService({
    ...{ calls, ids, refs, operations, foldersOf },
    countMessages: async (accountId, path, signal) => {
      const look = (connection: MailConnection) => connection.listMessages(path, 1, undefined)
      return (await pool.run(accountId, 'interactive', look, signal, path)).total
    },
    ...control,
  })
  const undo = new UndoService({ store, moved, calls, ids, operations, pool, ...control })
  const notice = (accountId: string, path: string) => indexerOf(accountId)?.notice(path)
  const noticeFolders = (accountId: string) => indexerOf(accountId)?.noticeAll()
  const queue = new OperationQueue({
    noticeFolders,
    store,
    moved,
    shown,
    fresh,
    hub,
    pool,
    leases,
    notice,
    logger,
    ...control,
  })
  const isPruning = () => mayPrune() !== undefined
  const pruner = operationPruner({ store, keys, mayPrune: isPruning, retentionNow: () => retention.now(), logger })
  return {
    operations,
    folders,
    proposed: {
      operations: new ProposedOperations({ store, calls, shown, taken }),
      changes: new ProposedChanges({ store, moved, pool, refs }),
    },
    lookAgain: () => queue.lookAgain(),
    addRoutes: http => operationRoutes(http, { operations, folders, undo }),
    before: { name: 'shown operations', start: () => shown.load(store) },
    parts: [
      {
        name: 'operations',
        start: async () => {
          ids.startAfter(await store.newestId())
          await queue.start()
          pruner.start()
        },
        stop: async () => {
          await pruner.stop()
          await queue.stop()
        },
      },
    ],
  }
}
