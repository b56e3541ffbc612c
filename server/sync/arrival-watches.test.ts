/** Checks for new mail beside watches that end, requests that come meanwhile, and a database that does not answer. */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { DatabaseOverloaded } from '../platform/database/database-fault.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { Signer } from '../platform/secret-box.ts'
import { ArrivalSync, type ArrivalSyncOptions } from './arrival-sync.ts'
import type { FolderState } from './folder-state-store.ts'

/** A folder that was read up to UID 10, and has one message after it; each check of it waits to be answered. */
function watched(options: Partial<ArrivalSyncOptions> = {}) {
  let stored: FolderState = { uidValidity: 1, uidNext: 10 }
  const announced: number[] = []
  const checks: PromiseWithResolvers<void>[] = []
  const headers = [{ uid: 10, subject: 'mail', from: [], faults: [] }] as unknown as IndexHeader[]
  const connection = {
    listArrivals: async (_path: string, from: number) => {
      const check = Promise.withResolvers<void>()
      checks.push(check)
      await check.promise
      return { uidValidity: 1, uidNext: 11, uids: from > 10 ? [] : [10], passedOver: 0 }
    },
    listHeads: async () => new Map(),
    changes: { listHeaders: async () => ({ uidValidity: 1, headers, hasMore: false }) },
  }
  const save: ArrivalSyncOptions['states']['save'] = async (_db, _folder, state) => {
    stored = state
  }
  const onLook = vi.fn<ArrivalSyncOptions['onLook']>(() => 'go on')
  const sync = new ArrivalSync({
    folder: { accountId: 'a', path: 'INBOX', mailbox: 'ann@mail.example:993' },
    states: { find: async () => stored, save },
    pool: {
      run: (_id: string, _kind: string, work: (of: typeof connection) => unknown) => work(connection),
    } as unknown as ConnectionPool,
    hub: {
      transact: work => work({} as never, ({ data }) => void announced.push((data as { uid: number }).uid)),
    },
    refs: new MessageRefs(new Signer(randomBytes(32))),
    logger: createLogger('silent'),
    backoff: { firstMs: 1, maxMs: 1, random: () => 0 },
    onLook,
    onArrival: () => undefined,
    ...options,
  })
  const begin = () => {
    const watch = new AbortController()
    sync.begin({ uidValidity: 1, uidNext: 11 }, watch.signal)
    return watch
  }
  const asked = (count: number) => vi.waitFor(() => expect(checks).toHaveLength(count), { interval: 1 })
  return { sync, begin, asked, checks, announced, onLook }
}

const turns = async () => {
  for (let count = 0; count < 10; count++) await turn()
}

test('a check of a watch that has ended announces and reports nothing, and lets none run beside that of the next watch', async () => {
  const { sync, begin, asked, checks, announced, onLook } = watched()
  const first = begin()
  await asked(1)
  first.abort()
  const second = begin()
  await asked(2)
  checks[0]!.resolve()
  await turns()
  sync.look(second.signal)
  await turns()
  expect([checks.length, announced, onLook.mock.calls]).toEqual([2, [], []])
  checks[1]!.resolve()
  await asked(3)
  checks[2]!.resolve()
  await vi.waitFor(() => expect(onLook).toHaveBeenCalledTimes(2))
  expect(announced).toEqual([10])
  second.abort()
})

test('a check that fails after its watch has ended is not reported', async () => {
  const { begin, asked, checks, onLook } = watched()
  const watch = begin()
  await asked(1)
  watch.abort()
  checks[0]!.reject(new Problem('mail_server_unreachable', 'gone', { fault: 'closed' }))
  await turns()
  expect(onLook).not.toHaveBeenCalled()
})

test('what a check of an ended watch found is neither indexed nor announced', async () => {
  const indexed = Promise.withResolvers<undefined>()
  const arrive = vi.fn(() => indexed.promise)
  const { begin, asked, checks, announced } = watched({ indexerOf: () => ({ arrive, isComplete: true }) })
  const first = begin()
  await asked(1)
  first.abort()
  checks[0]!.resolve()
  await turns()
  expect(arrive).not.toHaveBeenCalled()
  const second = begin()
  await asked(2)
  checks[1]!.resolve()
  await vi.waitFor(() => expect(arrive).toHaveBeenCalledOnce())
  second.abort()
  indexed.resolve(undefined)
  await turns()
  expect(announced).toEqual([])
})

test('a check that is requested at whatever moment the one before ends is made', async () => {
  const { sync, begin, asked, checks, onLook } = watched()
  const { signal } = begin()
  for (let depth = 0; depth < 12; depth++) {
    await asked(depth + 1)
    onLook.mockImplementationOnce(() => {
      const request = (left: number): void => (left > 0 ? queueMicrotask(() => request(left - 1)) : sync.look(signal))
      request(depth)
      return 'go on'
    })
    checks[depth]!.resolve()
  }
  await asked(13)
})

test('while the stored position cannot be read, mail is not looked for, and then from there', async () => {
  let isAway = true
  const find = async () => {
    if (!isAway) return { uidValidity: 1, uidNext: 10 }
    isAway = false
    throw new DatabaseOverloaded('too much waits')
  }
  const { begin, asked, checks, announced } = watched({ states: { find, save: async () => undefined } })
  begin()
  await asked(1)
  checks[0]!.resolve()
  await vi.waitFor(() => expect(announced).toEqual([10]))
})
