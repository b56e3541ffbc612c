/** What is announced of mail that the index takes in first: its ids, without what was moved, and all of it where the index does not answer. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { Arrivals } from '../imap/mail-gateway.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { AppliedBatch } from '../index/index-types.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { Signer } from '../platform/secret-box.ts'
import type { AccountIndexer } from './account-indexer.ts'
import { ArrivalSync } from './arrival-sync.ts'
import type { FolderState } from './folder-state-store.ts'

type Arrive = AccountIndexer['arrive']

const folder = { accountId: 'a', path: 'INBOX', mailbox: 'ann@mail.example:993' }
const added = (uid: number, hasArrived = true): AppliedBatch['added'][number] => {
  const id = `message-number-${String(uid).padStart(5, '0')}`
  return { uid, id, threadId: `t${uid}`, isNew: true, hasArrived, isFirstContact: uid === 10 }
}
const headerOf = (uid: number) => ({ uid, subject: `mail ${uid}`, from: [], faults: [] }) as unknown as IndexHeader

/** Looks once at a folder that was read up to UID 10. */
async function announced(
  arrivals: Pick<Arrivals, 'uids' | 'passedOver'>,
  arrive: Arrive,
  { isComplete = true, uidValidity = 1, uidValidityOfHeaders = 1 } = {},
) {
  let stored: FolderState = { uidValidity: 1, uidNext: 10 }
  const facts: EventOf<'mail_received'>['data'][] = []
  const uidNext = arrivals.uids.at(-1)! + 1
  const connection = {
    listArrivals: async () => ({ uidValidity, uidNext, ...arrivals }),
    changes: {
      listHeaders: async () => ({
        uidValidity: uidValidityOfHeaders,
        headers: arrivals.uids.map(headerOf),
        hasMore: false,
      }),
    },
  }
  const save = async (_db: Database, _folder: unknown, state: FolderState) => {
    stored = state
  }
  const done = Promise.withResolvers<void>()
  const sync = new ArrivalSync({
    folder,
    states: { find: async () => stored, save },
    pool: {
      run: (_id: string, _kind: string, work: (of: typeof connection) => unknown) => work(connection),
    } as unknown as ConnectionPool,
    hub: {
      transact: work =>
        work({} as Database, ({ type, data }) => {
          if (type === 'mail_received') facts.push(data)
        }),
    },
    refs: new MessageRefs(new Signer(randomBytes(32))),
    logger: createLogger('silent'),
    backoff: { firstMs: 1, maxMs: 1, random: () => 0 },
    onLook: () => {
      done.resolve()
      return 'go on'
    },
    onArrival: () => undefined,
    indexerOf: () => ({ arrive, isComplete }),
  })
  sync.begin({ uidValidity: 1, uidNext }, new AbortController().signal)
  await done.promise
  return { facts, stored }
}

test('new mail has the ids that the index gave it, and what was moved is passed by', async () => {
  const asked: number[] = []
  const { facts, stored } = await announced({ uids: [10, 11, 12], passedOver: 0 }, async (_path, { from, headers }) => {
    asked.push(from, ...headers.map(({ uid }) => uid))
    return [added(10), added(11, false), added(12)]
  })
  expect(asked).toEqual([10, 10, 11, 12])
  expect(facts).toMatchObject([
    { uid: 10, id: 'message-number-00010', thread_id: 't10', first_contact: true, subject: 'mail 10' },
    { uid: 12, id: 'message-number-00012', thread_id: 't12', first_contact: false },
  ])
  expect(stored.uidNext).toBe(13)
})

test('while older mail is not indexed, no sender is reported as a first-time one', async () => {
  const { facts } = await announced({ uids: [10], passedOver: 0 }, async () => [added(10)], {
    isComplete: false,
  })
  expect(facts).toMatchObject([{ uid: 10, id: 'message-number-00010' }])
  expect(facts[0]).not.toHaveProperty('first_contact')
})

test('the index is not told that it has what was passed over', async () => {
  let first = 0
  await announced({ uids: [500, 501], passedOver: 490 }, async (_path, { from, headers }) => {
    first = from
    return headers.map(({ uid }) => added(uid))
  })
  expect(first).toBe(500)
})

test.each<[string, Arrive]>([
  ['does not follow the folder', async () => undefined],
  [
    'has too much to do',
    async () => {
      throw new IndexFault('overloaded', 'too much waits')
    },
  ],
])('mail is announced without ids where the index %s', async (_why, arrive) => {
  const { facts, stored } = await announced({ uids: [10, 11], passedOver: 0 }, arrive)
  expect(facts).toMatchObject([
    { uid: 10, subject: 'mail 10' },
    { uid: 11, subject: 'mail 11' },
  ])
  for (const fact of facts) expect(fact).not.toHaveProperty('id')
  expect(stored.uidNext).toBe(12)
})

test('mail of a folder that was recreated is neither indexed nor announced, and counts as read', async () => {
  const asked: unknown[] = []
  const arrive: Arrive = async (...given) => void asked.push(given)
  const { facts, stored } = await announced({ uids: [10, 11], passedOver: 0 }, arrive, {
    uidValidity: 2,
    uidValidityOfHeaders: 2,
  })
  expect([asked, facts, stored]).toEqual([[], [], { uidValidity: 2, uidNext: 12 }])
})

test('headers of a folder that was recreated while they were read are not taken for those of the new mail', async () => {
  const asked: unknown[] = []
  const arrive: Arrive = async (...given) => void asked.push(given)
  const { facts } = await announced({ uids: [10], passedOver: 0 }, arrive, { uidValidityOfHeaders: 2 })
  expect(asked).toEqual([])
  expect(facts).toMatchObject([{ uid: 10 }])
  expect(facts[0]?.subject ?? null).toBeNull()
})
