/** The rows of backlogs while they begin and end: none is lost to an older removal, nor written without the lease. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { reader } from '../../test/support/webhook-world.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import { drop, maxBacklogs, WebhookBacklogs } from './webhook-backlogs.ts'
import { WebhookEndpoint } from './webhook-endpoint.ts'
import type { WebhookKind } from './webhook-kind.ts'
import { WebhookStore } from './webhook-store.ts'
import type { WebhookRow } from './webhook-tables.ts'

const kind: WebhookKind = {
  gone: 'endpoint',
  isByAccount: () => true,
  filterOf: () => ({ types: new Set(['mail_received']), accounts: undefined }),
  isAllowed: () => true,
  messageOf: async () => undefined,
  gapOf: () => undefined,
  endOf: () => undefined,
  headersOf: () => ({}),
}
const failed = { fault: 'http_5xx', afterMs: undefined } as const
const next = { account: 'a', number: 7, message: { id: 'evt_7', body: '{}' }, isGap: false }
const now = Date.parse('2026-11-28T12:00:00Z')

onEachDatabase(open => {
  const world = async () => {
    const store = new WebhookStore(await open())
    const { hub } = await startHub()
    const state = { isLost: false, gate: Promise.resolve() }
    const lease: Lease = {
      name: 'webhooks',
      fence: async () => {
        if (state.isLost) throw new LeaseLost('webhooks')
      },
    }
    const wakes: WebhookEndpoint[] = []
    const backlogs = new WebhookBacklogs({
      hub,
      store: {
        listBacklogs: id => store.listBacklogs(id),
        putBacklog: (...given) => store.putBacklog(...given),
        removeBacklog: (...given) => store.removeBacklog(...given),
        transact: async work => {
          await state.gate
          await store.transact(work)
        },
      },
      findLease: () => lease,
      wake: backlog => void wakes.push(backlog),
      logger: createLogger('silent'),
    })
    const principal = reader()
    const at = new Date(now).toISOString()
    const row: WebhookRow = {
      ...{ id: 'one', kind: 'program', principal_kind: 'token', principal_id: 'token-1', user_id: 'ann' },
      ...{ url: 'https://sink.test/', secret_sealed: 'sealed', settings: '{}', previous_sealed: null },
      ...{ previous_until: null, place: 3, created_at: at, verified_at: at, expires_at: null, failing_since: null },
      ...{ failures: 0, next_try_at: null, last_success_at: null, last_fault: null, ending: null },
    }
    await store.insert(row, { perPrincipal: 10, inAll: 10 })
    const follower = hub.follow({ principal, filter: kind.filterOf(row), after: 3, wake: () => undefined })
    const endpoint = new WebhookEndpoint({ row, principal, kind, follower, sign: () => ({}), oldest: () => 1 })
    const stored = async () =>
      (await store.listBacklogs()).map(({ account_id: account, place }) => [account, place] as const)
    /** Keeps transactions from beginning until the returned function is called. */
    const hold = () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      state.gate = promise
      return () => {
        state.gate = Promise.resolve()
        resolve()
      }
    }
    return { backlogs, endpoint, stored, hold, state, follower }
  }

  test('a backlog that begins again while its row is removed keeps the new row', async () => {
    const { backlogs, endpoint, stored, hold } = await world()
    const first = await backlogs.begin(endpoint, next, failed, now)
    expect(await stored()).toEqual([['a', 6]])
    const release = hold()
    backlogs.end(first!.backlog)
    const second = backlogs.begin(endpoint, { ...next, number: 9 }, failed, now)
    const listed = backlogs.stored('one')
    release()
    expect((await second)!.backlog.row.place).toBe(8)
    await backlogs.settled()
    expect(await stored()).toEqual([['a', 8]])
    expect((await listed).map(({ place }) => place)).not.toContain(6)
  })

  test('an endpoint that is dropped while its backlog is stored gets no backlog', async () => {
    const { backlogs, endpoint, hold } = await world()
    const release = hold()
    const begun = backlogs.begin(endpoint, next, failed, now)
    drop(endpoint)
    release()
    expect(await begun).toBeUndefined()
    expect(endpoint.backlogs.size).toBe(0)
  })

  test('a process that lost its lease neither stores nor removes a backlog', async () => {
    const { backlogs, endpoint, stored, state } = await world()
    const { backlog } = (await backlogs.begin(endpoint, next, failed, now))!
    state.isLost = true
    backlogs.end(backlog)
    await backlogs.settled()
    expect(await stored()).toEqual([['a', 6]])
    expect(await backlogs.begin(endpoint, { ...next, account: 'b' }, failed, now)).toBeUndefined()
    expect([await stored(), endpoint.backlogs.size]).toEqual([[['a', 6]], 0])
  })

  test('only the failure of one account begins a backlog, and only a bounded number of them', async () => {
    const { backlogs, endpoint } = await world()
    const mayBegin = (changed = {}, fault: 'http_5xx' | 'connection_refused' | 'tls_error' = 'http_5xx') =>
      backlogs.mayBegin(endpoint, { ...next, ...changed }, { fault, afterMs: undefined })
    expect(mayBegin()).toBe(true)
    expect([mayBegin({ isGap: true }), mayBegin({}, 'connection_refused'), mayBegin({}, 'tls_error')]).toEqual([
      false,
      false,
      false,
    ])
    const rows = Array.from({ length: maxBacklogs }, (_, index) => ({
      ...{ endpoint_id: 'one', account_id: `account-${index}`, place: 3, failing_since: null, failures: 0 },
      ...{ next_try_at: null, last_success_at: null, last_fault: null },
    }))
    backlogs.restore(endpoint, rows.slice(1))
    expect(mayBegin()).toBe(true)
    backlogs.restore(endpoint, rows.slice(0, 1))
    expect(mayBegin()).toBe(false)
  })
})
