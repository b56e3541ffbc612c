/** The local index of mail, wired by hand. A part of the composition root. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { IndexLevel } from '../contract/accounts.ts'
import { mailboxOf } from './accounts/account-reader.ts'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { ExpectedChanges } from './index/expected-changes.ts'
import type { IndexHome } from './index/index-databases.ts'
import { IndexThreads } from './index/index-threads.ts'
import { listIndexedAccounts } from './index/indexed-accounts.ts'
import type { Database } from './platform/database/database.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { threadProgram } from './platform/start-thread.ts'
import { AccountIndexer } from './sync/account-indexer.ts'
import { type Indexing, mailboxFields } from './sync/mail-watcher.ts'
import { SyncProgress } from './sync/sync-progress.ts'
import type { BackgroundStep, UsageService } from './sync/usage-service.ts'

/** The module that renders lists, loaded by the thread that makes them. */
const writers = threadProgram(import.meta, 'mail/index-writers')

export interface IndexSurroundings {
  config: Config
  db: Database
  hub: EventHub
  pool: ConnectionPool
  /** Returns the level chosen for an account: null for the default, undefined if there is no such account. */
  findLevel(accountId: string): Promise<IndexLevel | null | undefined>
  usage: Pick<UsageService, 'delayMs'>
  /** The key that signs message references in lists. */
  refKey: Buffer
  /** Changes of messages that were requested but are not done yet. */
  expected: ExpectedChanges
  logger: Logger
}

export interface ComposedIndex {
  index: IndexThreads
  indexing: Indexing
  hasIndex(accountId: string): Promise<boolean>
  /** Returns the newest indexer of an account, while the account exists. */
  find(accountId: string): AccountIndexer | undefined
  /** Started after the pool, whose connections the indexers borrow. */
  parts: Part[]
}

export function composeIndex({
  config,
  db,
  hub,
  pool,
  refKey,
  findLevel,
  usage,
  expected,
  logger,
}: IndexSurroundings): ComposedIndex {
  const indexers = new Map<string, AccountIndexer>()
  const isSqlite = config.databaseUrl.startsWith('sqlite:')
  const home: IndexHome = isSqlite ? { dir: join(config.dataDir, 'index') } : { postgresUrl: config.databaseUrl }
  const index = new IndexThreads({
    home,
    writers: { module: pathToFileURL(writers).href, key: refKey },
    damaged: accountId => {
      logger.warn({ account_id: accountId }, 'the index of an account was damaged: it is rebuilt')
      indexers.get(accountId)?.renew()
    },
  })
  const levelOf = async (accountId: string): Promise<IndexLevel> => {
    const chosen = await findLevel(accountId)
    return chosen === undefined ? 'off' : (chosen ?? config.index.level)
  }
  const hasIndex = async (accountId: string) => (await listIndexedAccounts(home, db)).includes(accountId)
  const indexing: Indexing = {
    indexerOf: (account, fenced) => {
      const { id: accountId, indexLevel, host, user, email, lookSeconds = 60 } = account
      const level = indexLevel ?? config.index.level
      indexers.delete(accountId)
      if (level === 'off') return undefined
      const pace = (step: BackgroundStep) => usage.delayMs(accountId, host, step)
      const progress = new SyncProgress(accountId, { hub })
      // On many servers the login name is the address.
      const own = [user, email ?? ''].filter(name => name.includes('@'))
      const mailbox = mailboxOf(account)
      const of = { accountId, mailbox, own, index: index.of(accountId), hasTexts: level === 'text', pace, progress }
      const shown = expected.of(accountId)
      const roundMs = lookSeconds * 1_000
      const indexer = new AccountIndexer({ ...of, roundMs, expected: shown, db, hub: fenced, pool, logger })
      indexers.set(accountId, indexer)
      return indexer
    },
    listUnsettled: async () => {
      const ids = await listIndexedAccounts(home, db)
      const levels = await Promise.all(ids.map(levelOf))
      return ids.filter((_, at) => levels[at] !== 'text')
    },
    settle: async accountId => {
      const level = await levelOf(accountId)
      if (level === 'text' || !(await hasIndex(accountId))) return
      if (level === 'headers') return index.of(accountId).removeTexts()
      indexers.delete(accountId)
      await index.drop(accountId)
    },
  }
  const drop = async (accountId: string) => {
    try {
      // An account without an index starts no index threads.
      if (!index.isOpened(accountId) && !(await hasIndex(accountId))) return
      await index.drop(accountId)
      indexers.get(accountId)?.renew()
    } catch (err) {
      logger.warn({ err, account_id: accountId }, 'the index of an account could not be removed')
    }
  }
  const forget = (accountId: string) => {
    indexers.delete(accountId)
    expected.forget(accountId)
    index.retire(accountId)
    void drop(accountId)
  }
  const follow = (accountId: string, changed: readonly string[]) => {
    // A change of any of these fields means another mailbox.
    if (mailboxFields.some(field => changed.includes(field))) void drop(accountId)
  }
  const stops: (() => void)[] = []
  const part: Part = {
    name: 'index',
    start: async () => {
      stops.push(hub.listen('account_removed', ({ account_id }) => forget(account_id)))
      stops.push(hub.listen('account_updated', ({ account_id, changed }) => follow(account_id, changed)))
      // The indexers need the threads in a moment anyhow, and a list may be requested before that.
      if ((await listIndexedAccounts(home, db)).length > 0) index.warm()
    },
    stop: async () => {
      for (const stop of stops.splice(0)) stop()
      await index.close()
    },
  }
  return { index, indexing, hasIndex, find: indexers.get.bind(indexers), parts: [part] }
}
