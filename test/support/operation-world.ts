/**
 * Operations on an in-memory mail server, with the real queue on a real database, which can be stopped and restarted as
 * after a crash.
 */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import type { Folder } from '../../contract/mail.ts'
import type { Operation, OperationWithResults } from '../../contract/operations.ts'
import { scopes } from '../../contract/scope.ts'
import type { MailLogin } from '../../server/accounts/mail-login.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../../server/imap/connection-pool.ts'
import { MessageRefs } from '../../server/imap/message-ref.ts'
import { ExpectedChanges } from '../../server/index/expected-changes.ts'
import { LeaseService } from '../../server/leases/lease-service.ts'
import { LeaseStore } from '../../server/leases/lease-store.ts'
import {
  AcceptedCalls,
  type AcceptedCallsOptions,
  defaultBounds,
  type OperationBounds,
} from '../../server/operations/accepted-calls.ts'
import { CallKeyStore } from '../../server/operations/call-key-store.ts'
import { FolderService } from '../../server/operations/folder-service.ts'
import { FreshOperations } from '../../server/operations/fresh-operations.ts'
import { MovedMessageStore } from '../../server/operations/moved-message-store.ts'
import { NamedMessages } from '../../server/operations/named-messages.ts'
import type { MayChange } from '../../server/operations/operation-control.ts'
import { OperationIds } from '../../server/operations/operation-id.ts'
import { OperationQueue, type OperationQueueOptions } from '../../server/operations/operation-queue.ts'
import { OperationService, type Wanted } from '../../server/operations/operation-service.ts'
import { OperationStore } from '../../server/operations/operation-store.ts'
import { ShownOperations } from '../../server/operations/shown-operations.ts'
import { UndoService } from '../../server/operations/undo-service.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { everyScope, type Principal } from '../../server/platform/principal.ts'
import { Problem } from '../../server/platform/problem.ts'
import type { ProposalIntake } from '../../server/platform/proposal-intake.ts'
import { Signer } from '../../server/platform/secret-box.ts'
import { startHub } from './event-hub.ts'
import { patience } from './patience.ts'
import { keepAccount } from './watched-accounts.ts'

const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const logger = createLogger('silent')
export const { signal } = new AbortController()

export interface WorldOptions {
  db?: Database
  bounds?: Partial<OperationBounds>
  queue?: Partial<OperationQueueOptions>
  mayChange?: MayChange
  /** Receives the proposals of tokens that may only propose. */
  intake?: ProposalIntake
}

export function principalOf(id: string, more: Partial<Principal> = {}): Principal {
  return { id, name: id, kind: 'token', userId: null, scopes: everyScope, accounts: new Set(['a', 'b']), ...more }
}

export const agent = principalOf('token-agent')
export const operator = principalOf('session-1', { kind: 'session', userId: 'ann', scopes: new Set(scopes) })

/** Starts a world with the accounts `a` and `b`, which share one mailbox. */
export async function startOperations({
  db: given,
  bounds = {},
  queue: options = {},
  mayChange = async () => undefined,
  intake,
}: WorldOptions = {}) {
  const { hub, db } = await startHub(given)
  const gateway = new MemoryGateway()
  const disabled = new Set<string>()
  const limits = { connection_timeout_seconds: 5, max_connections: 50, connection_pool_size: 3 }
  const health = { setConnections: () => undefined }
  const pool = new ConnectionPool({ gateway, login: async () => login, limits, health, logger })
  const leases = new LeaseService({ store: new LeaseStore(db), isAlone: true, renews: false, logger })
  await leases.start()
  for (const id of ['a', 'b']) await keepAccount(db, id)
  const store = new OperationStore(db)
  const keys = new CallKeyStore(db)
  const moved = new MovedMessageStore(db)
  const refs = new MessageRefs(new Signer(randomBytes(32)))
  const expected = new ExpectedChanges()
  const shown = new ShownOperations({ expected, indexerOf: () => undefined })
  const fresh = new FreshOperations()
  const ahead: Pick<AcceptedCallsOptions, 'lookAhead' | 'lookEarly'> = {
    lookAhead: (added, early) => queue.lookAhead(added, early),
    lookEarly: (accountId, to) => queue.lookEarly(accountId, to),
  }
  const calls = new AcceptedCalls({ store, keys, shown, fresh, ...ahead, ...(intake && { intake }) }, hub, {
    ...defaultBounds,
    ...bounds,
  })
  const ids = new OperationIds()
  const accounts = {
    get: async (_principal: Principal, id: string) => {
      if (!['a', 'b'].includes(id)) throw new Problem('account_not_found', 'There is no such account.')
      return { enabled: !disabled.has(id) }
    },
  }
  const noIndex = {
    of: () => {
      throw new Error('nothing is indexed')
    },
  }
  const named = new NamedMessages({ refs, index: noIndex, expected, isIndexed: () => false, look: async () => false })
  const foldersOf = (accountId: string) =>
    pool.run(accountId, 'interactive', connection => connection.listFolders(false), signal)
  let known: readonly Folder[] | undefined
  const knownFolders = () => known
  const taken: [principalId: string, messages: number][] = []
  const service = new OperationService({
    taken: ({ id }, messages) => taken.push([id, messages]),
    ...{ store, calls, ids, named, refs, hub, foldersOf, knownFolders, mayChange },
    accounts: accounts as unknown as ConstructorParameters<typeof OperationService>[0]['accounts'],
  })
  const folders = new FolderService({
    ...{ calls, ids, refs, operations: service, mayChange, foldersOf },
    countMessages: async (accountId, path) =>
      (await pool.run(accountId, 'interactive', connection => connection.listMessages(path, 1, undefined), signal))
        .total,
  })
  const undo = new UndoService({ store, moved, calls, ids, operations: service, pool, mayChange })
  const facts: EventOf<'operation_changed'>['data'][] = []
  hub.listen('operation_changed', fact => facts.push(fact))
  const noticed: string[] = []
  const notice = (accountId: string, path: string) => void noticed.push(`${accountId} ${path}`)
  const noticeFolders = (accountId: string) => void noticed.push(`${accountId} *`)
  const backoff = { firstMs: 1, maxMs: 20, random: () => 1 }
  const newQueue = () =>
    new OperationQueue({
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
      backoff,
      ...options,
    })
  let queue = newQueue()
  await queue.start()
  onTestFinished(async () => {
    await queue.stop()
    await pool.stop()
    await leases.stop()
  })
  const world = {
    ...{ calls, moved, shown, expected, fresh },
    ...{ db, hub, gateway, pool, store, refs, service, folders, undo, facts, noticed, disabled },
    /** Gives the index the folders as they are now. */
    knowFolders: async () => {
      known = await foldersOf('a')
    },
    /** Returns refs by descending UID. */
    refsIn: (path: string) => {
      const { uidValidity, messages } = gateway.getFolder(path)
      return messages.map(({ uid }) => refs.encode('a', { folder: path, uidValidity, uid })).toReversed()
    },
    /** Returns `subject flag flag` of each message, in folder order. */
    in: (path: string) =>
      gateway
        .getFolder(path)
        .messages.map(({ subject, flags, keywords }) => [subject, ...flags, ...keywords].join(' ')),
    /** Principals and message counts of the accepted operations. */
    taken,
    accept: (wanted: Wanted, principal = agent, key?: string) => service.accept(principal, 'a', wanted, signal, key),
    settled: (id: string, principal = operator) => service.settled(principal, id, patience, signal),
    run: async (wanted: Wanted, principal = agent): Promise<OperationWithResults> => {
      const { id } = await world.accept(wanted, principal)
      return world.settled(id, principal)
    },
    allSettled: async (operations: readonly (Operation | null)[]) => {
      for (const operation of operations) if (operation) await world.settled(operation.id)
    },
    restart: async () => {
      await queue.stop()
      queue = newQueue()
      await queue.start()
    },
    stop: () => queue.stop(),
    lookAgain: () => queue.lookAgain(),
  }
  return world
}
