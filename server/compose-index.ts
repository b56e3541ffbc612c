/** The local index of mail, wired by hand. A part of the composition root. */
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Config } from './config.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import { IndexThreads } from './index/index-threads.ts'
import type { Database } from './platform/database/database.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { AccountIndexer } from './sync/account-indexer.ts'
import { mailboxFields } from './sync/mail-watcher.ts'

/** Loaded by the thread that makes lists. Emitted as JavaScript, this file and the other have another ending. */
const pageWriter = join(import.meta.dirname, 'mail', `page-writer${extname(import.meta.filename)}`)

export interface IndexSurroundings {
  config: Config
  db: Database
  hub: EventHub
  pool: ConnectionPool
  /** Signs references of messages in lists. */
  refKey: Buffer
  logger: Logger
}

export interface ComposedIndex {
  /** Undefined where nothing is indexed. */
  index: IndexThreads | undefined
  indexerOf: ((accountId: string, hub: Pick<EventHub, 'transact'>, mailbox: string) => AccountIndexer) | undefined
  /** The one that was made last, while the account is there. */
  find(accountId: string): AccountIndexer | undefined
  /** Behind the pool, whose connections its loops borrow. */
  parts: Part[]
}

export function composeIndex({ config, db, hub, pool, refKey, logger }: IndexSurroundings): ComposedIndex {
  const { level } = config.index
  if (level === 'off') return { index: undefined, indexerOf: undefined, find: () => undefined, parts: [] }
  const indexers = new Map<string, AccountIndexer>()
  const isSqlite = config.databaseUrl.startsWith('sqlite:')
  const index = new IndexThreads({
    home: isSqlite ? { dir: join(config.dataDir, 'index') } : { postgresUrl: config.databaseUrl },
    pages: { module: pathToFileURL(pageWriter).href, key: refKey },
    damaged: accountId => {
      logger.warn({ account_id: accountId }, 'the index of an account was damaged: it is built again')
      indexers.get(accountId)?.renew()
    },
  })
  const indexerOf: ComposedIndex['indexerOf'] = (accountId, fenced, mailbox) => {
    const hasTexts = level === 'text'
    const indexer = new AccountIndexer({
      accountId,
      mailbox,
      index: index.of(accountId),
      db,
      hub: fenced,
      pool,
      logger,
      hasTexts,
    })
    indexers.set(accountId, indexer)
    return indexer
  }
  const drop = async (accountId: string) => {
    try {
      await index.drop(accountId)
      indexers.get(accountId)?.renew()
    } catch (err) {
      logger.warn({ err, account_id: accountId }, 'the index of an account could not be removed')
    }
  }
  const forget = (accountId: string) => {
    indexers.delete(accountId)
    void drop(accountId)
  }
  const follow = (accountId: string, changed: readonly string[]) => {
    // Another of these is another mailbox.
    if (mailboxFields.some(field => changed.includes(field))) void drop(accountId)
  }
  const stops: (() => void)[] = []
  const part: Part = {
    name: 'index',
    start: () => {
      stops.push(hub.listen('account_removed', ({ account_id }) => forget(account_id)))
      stops.push(hub.listen('account_updated', ({ account_id, changed }) => follow(account_id, changed)))
    },
    stop: async () => {
      for (const stop of stops.splice(0)) stop()
      await index.close()
    },
  }
  return { index, indexerOf, find: accountId => indexers.get(accountId), parts: [part] }
}
