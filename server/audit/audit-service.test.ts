/** The trail as an administrator knows it: what is noted, found, exported and forgotten. */
import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { AuditEntry } from '../../contract/audit.ts'
import { auditFact, auditSecrets, startAudit } from '../../test/support/audit.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { AuditChain, canonicalJson } from './audit-chain.ts'
import { verifyTrail } from './audit-command.ts'
import type { AuditService } from './audit-service.ts'

async function all(audit: AuditService, query: object = {}, limit = 100): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await audit.list({ ...query, limit, cursor })
    found.push(...page.items)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return found
}

const exported = (audit: AuditService, name: 'csv' | 'jsonl', filter: object = {}) => text(audit.export(filter, name))

onEachDatabase(open => {
  test('an entry is in the database when record resolves, with everything but what was sent', async () => {
    const { audit, db } = await startAudit(await open())
    const input = { query: {}, body: { password: 'canary', a: 1 } }
    const refs = { ref: 'abc', folder: 'INBOX' }
    await audit.record(auditFact({ at: 0, input, refs }))
    const [entry] = (await audit.list({ limit: 1 })).items
    expect(AuditEntry.parse(entry)).toEqual(entry)
    expect(entry).toMatchObject({
      number: 1,
      at: '1970-01-01T00:00:00.000Z',
      principal_id: 'session-1',
      user_id: 'ada',
      session_id: '1',
      token_id: null,
      operation: 'accounts.updateAccount',
      account_id: 'a',
      refs,
      outcome: 'ok',
      duration_ms: 12.3,
    })
    expect(JSON.stringify(await db.selectFrom('audit_entries').selectAll().execute())).not.toContain('canary')

    await audit.record(auditFact({ input: { body: { a: 1, password: 'canary' }, query: {} } }))
    await audit.record(auditFact({ input: { query: {}, body: { a: 2, password: 'canary' } } }))
    await audit.record(auditFact({ input: undefined }))
    const [none, other, same] = (await audit.list({ limit: 3 })).items
    expect(same?.input_digest).toBe(entry?.input_digest)
    expect(other?.input_digest).not.toBe(entry?.input_digest)
    expect(none?.input_digest).toBeNull()
  })

  test('each filter finds what it names and nothing else, and a cursor leads through all of it once', async () => {
    const { audit, record } = await startAudit(await open())
    const at = (day: number) => Date.UTC(2026, 0, day)
    await record(3, { at: at(1) })
    await record(4, { at: at(2), operation: 'mail.getMessage', effect: 'read', accountId: 'b' })
    await record(2, { at: at(3), principalId: 'token-9', tokenId: '9', principalName: 'Nightly 100% job' })
    await record(5, { at: at(4), operation: 'mailbox.other', outcome: 'forbidden', status: 403 })
    await record(7, { at: at(4), operation: 'users.deleteUser', effect: 'destroy', accountId: null })
    const counts: [object, number][] = [
      [{}, 21],
      [{ principal: 'token-9' }, 2],
      [{ principal: '9' }, 2],
      [{ principal: 'NIGHTLY 100%' }, 2],
      [{ principal: '1__%' }, 0],
      [{ principal: 'ada' }, 21],
      [{ operation: 'mail.' }, 4],
      [{ operation: 'MAIL.' }, 0],
      [{ operation: 'mail' }, 9],
      [{ effect: 'destroy' }, 7],
      [{ account_id: 'b' }, 4],
      [{ accounts: new Set(['b']) }, 11],
      [{ accounts: new Set() }, 7],
      [{ accounts: new Set(), account_id: 'b' }, 0],
      [{ outcome: 'failed' }, 5],
      [{ outcome: 'ok' }, 16],
      [{ from: '2026-01-03T00:00:00.000Z' }, 14],
      [{ from: '2026-01-02T00:00:00.000Z', to: '2026-01-03T00:00:00.000Z' }, 6],
      [{ operation: "mail' or 1=1 --" }, 0],
    ]
    for (const [filter, count] of counts) {
      const found = await all(audit, filter, 2)
      expect([filter, found.length]).toEqual([filter, count])
      const numbers = found.map(entry => entry.number)
      expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => other - one))
      expect((await exported(audit, 'jsonl', filter)).split('\n').length - 1).toBe(count)
    }
    await expect(audit.list({ limit: 1, cursor: 'made-up' })).rejects.toMatchObject({ code: 'bad_request' })
    await expect(audit.list({ limit: 1, cursor: '99' })).rejects.toMatchObject({ code: 'stale_cursor' })
  })

  test('what matches little is found far back in a long trail', async () => {
    const { audit, record } = await startAudit(await open())
    await record(1, { operation: 'users.inviteUser' })
    await record(6_000)
    expect((await all(audit, { operation: 'users.' })).map(entry => entry.number)).toEqual([1])
    expect((await exported(audit, 'jsonl')).split('\n').length).toBe(6_002)
  })

  test('a clock that jumps ahead forgets nothing at once', async () => {
    let now = Date.UTC(2026, 0, 1)
    let retention = now
    const { audit, record } = await startAudit(await open(), { now: () => now, retentionNow: () => retention })
    await record(31)
    now += 463 * 24 * 60 * 60_000
    expect(await audit.forget()).toBe(0)
    expect(await all(audit)).toHaveLength(31)
    retention = now
    expect(await audit.forget()).toBe(31)
    expect((await all(audit)).map(({ operation }) => operation)).toEqual(['audit.forget'])
  })

  test('only the process whose lease it is forgets, and not one that has lost it without noticing', async () => {
    let now = Date.UTC(2026, 0, 1)
    let lease: Lease | undefined
    const { audit, record } = await startAudit(await open(), { now: () => now, findLease: () => lease })
    await record(31)
    now += 463 * 24 * 60 * 60_000
    expect(await audit.forget()).toBe(0)
    lease = { name: 'prune', fence: () => Promise.reject(new LeaseLost('prune')) }
    await expect(audit.forget()).rejects.toThrow(LeaseLost)
    expect(await all(audit)).toHaveLength(31)
    lease = { name: 'prune', fence: async () => undefined }
    expect(await audit.forget()).toBe(31)
  })

  test('old entries are forgotten by count and by age, that is noted, and the rest is still whole', async () => {
    let now = Date.UTC(2026, 0, 1)
    const db = await open()
    const { audit, record } = await startAudit(db, { now: () => now })
    await record(1_500)
    await audit.changeSettings({ reads: 'mail', keep_days: 10, keep_entries: 1_200 })
    expect(await audit.forget()).toBe(300)
    const wanted = [
      'mail.getMessage',
      'mailIndex.getThread',
      'mailIndex.getIndex',
      'tool.mail_read',
      'metrics.getStats',
    ]
    expect(wanted.filter(operation => audit.wants('read', operation))).toEqual([
      'mail.getMessage',
      'mailIndex.getThread',
      'tool.mail_read',
    ])
    const [noted] = (await audit.list({ limit: 1 })).items
    expect(noted).toMatchObject({ number: 1_501, principal_id: 'system', operation: 'audit.forget', effect: 'destroy' })
    expect(noted?.refs).toEqual({ from: '1', to: '300', entries: '300' })
    expect(await audit.verify()).toEqual({
      is_whole: true,
      entries: 1_201,
      oldest: 301,
      newest: 1_501,
      begun_at: '2026-01-01T00:00:00.000Z',
      fault: null,
    })

    now += 11 * 24 * 60 * 60_000
    await record(3)
    expect(await audit.forget()).toBe(1_201)
    expect((await all(audit)).map(entry => entry.number)).toEqual([1_505, 1_504, 1_503, 1_502])
    expect(await audit.forget()).toBe(0)
    await audit.stop()
    const again = await startAudit(db, { now: () => now })
    expect(again.audit.settings).toEqual({ reads: 'mail', keep_days: 10, keep_entries: 1_200 })
    await again.record(1)
    expect(await verifyTrail(db, auditSecrets)).toMatchObject({ is_whole: true, oldest: 1_502, newest: 1_506 })
  })

  test('settings that were put into the database without the key have nothing forgotten', async () => {
    const day = 24 * 60 * 60_000
    const db = await open()
    const { audit, record } = await startAudit(db, { now: () => 0 })
    await record(5)
    await audit.changeSettings({ reads: 'all', keep_days: 100, keep_entries: 2_000 })
    await audit.stop()
    const { value } = await db
      .selectFrom('settings')
      .select('value')
      .where('name', '=', 'audit')
      .executeTakeFirstOrThrow()
    const put = [
      value.replace('100', '1'),
      JSON.stringify({ reads: 'all', keep_days: 1, keep_entries: 2_000 }),
      JSON.stringify({ settings: { reads: 'all', keep_days: 1, keep_entries: 2_000 }, seal: '' }),
    ]
    for (const value of put) {
      await db.updateTable('settings').set({ value }).where('name', '=', 'audit').execute()
      const { audit: next } = await startAudit(db, { now: () => 50 * day })
      expect(next.settings).toEqual({ reads: 'mail', keep_days: 365, keep_entries: 1_000_000 })
      expect(await next.forget()).toBe(0)
      expect(await all(next)).toHaveLength(5)
      await next.stop()
    }
    await db.updateTable('settings').set({ value }).where('name', '=', 'audit').execute()
    const { audit: own } = await startAudit(db, { now: () => 50 * day })
    expect(own.settings).toEqual({ reads: 'all', keep_days: 100, keep_entries: 2_000 })
  })

  test('backdating entries so that they are pruned leaves a trail that is not whole', async () => {
    const db = await open()
    const { audit, record } = await startAudit(db)
    await record(20)
    await db.updateTable('audit_entries').set({ at: '2001-01-01T00:00:00.000Z' }).where('number', '<=', 10).execute()
    expect(await audit.forget()).toBe(10)
    expect((await audit.list({ limit: 1 })).items[0]).toMatchObject({ operation: 'audit.forget', outcome: 'changed' })
    expect(await audit.verify()).toMatchObject({ is_whole: false })
  })
})

test('writes and refusals are always noted, reads as the settings say', async () => {
  const { audit } = await startAudit()
  const noted = () =>
    [
      ['read', 'metrics.getStats', 'ok'],
      ['read', 'mail.getMessage', 'ok'],
      ['read', 'metrics.getStats', 'forbidden'],
      ['write', 'accounts.updateAccount', 'ok'],
    ].map(([effect, operation, outcome]) => audit.wants(effect as 'read', operation!, outcome))
  expect(noted()).toEqual([false, true, true, true])
  await audit.changeSettings({ ...audit.settings, reads: 'none' })
  expect(noted()).toEqual([false, false, true, true])
  await audit.changeSettings({ ...audit.settings, reads: 'all' })
  expect(noted()).toEqual([true, true, true, true])
})

test('a flood of refusals fills nothing: some are noted, the rest is counted in one entry a minute', async () => {
  const { audit } = await startAudit()
  const refused = (address: string) =>
    audit.record(auditFact({ principalId: 'anonymous', address, effect: 'read', outcome: 'unauthorized', status: 401 }))
  for (let caller = 0; caller < 3_000; caller++)
    await Promise.all([refused(`198.18.${caller >> 8}.${caller & 255}`), refused('10.0.0.1')])
  // Expensive operations are recorded as before.
  await audit.record(auditFact())
  await audit.record(auditFact({ principalId: 'anonymous', operation: 'access.setUp' }))
  expect((await all(audit)).length).toBe(32)
  await audit.noteTally()
  const [tally] = (await audit.list({ limit: 1 })).items
  expect(tally).toMatchObject({ operation: 'access.refused', principal_id: 'system', outcome: 'too_many_requests' })
  // A thousand were told apart, twenty of which were recorded at once; the rest share one name.
  expect(tally?.refs).toEqual({ count: '5970', callers: '981', most_often: '10.0.0.1' })
  await audit.noteTally()
  expect((await all(audit)).length).toBe(33)
  await refused('10.0.0.1')
  expect((await all(audit)).length).toBe(34)
})

test('a right password that is not enough is no refusal, and no flood hides it', async () => {
  const { audit } = await startAudit()
  const strange = { principalId: 'anonymous', userId: null, address: '10.0.0.1', operation: 'access.openSession' }
  for (let count = 0; count < 50; count++) {
    await audit.record(auditFact({ ...strange, outcome: 'sign_in_failed', status: 401 }))
  }
  await audit.record(auditFact({ ...strange, outcome: 'second_factor', status: 201, refs: { user_id: 'ada' } }))
  const [entry] = await all(audit, { outcome: 'ok' })
  expect(entry).toMatchObject({ outcome: 'second_factor', refs: { user_id: 'ada' } })
  expect((await all(audit, { outcome: 'failed' })).map(({ outcome }) => outcome)).not.toContain('second_factor')
})

test('rejected requests do not push entries out of the trail, and a flood of anonymous ones does not hide those of known callers', async () => {
  const { audit } = await startAudit()
  const refused = { effect: 'read', outcome: 'forbidden', status: 403 } as const
  const strange = { ...refused, principalId: 'anonymous', principalName: 'Nobody', userId: null }
  for (let count = 0; count < 50; count++) await audit.record(auditFact({ ...strange, address: `192.0.2.${count}` }))
  for (let count = 0; count < 500; count++) {
    await audit.record(auditFact({ ...refused, principalId: `token-${count % 7}` }))
    await audit.record(auditFact({ outcome: 'user_not_found', status: 404 }))
  }
  expect(await all(audit, { principal: 'ada' })).toHaveLength(30)
  await audit.noteTally()
  const tallies = await all(audit, { operation: 'access.refused' })
  expect(tallies.map(({ refs }) => refs)).toEqual([
    { count: '970', callers: '1', most_often: 'user-ada' },
    { count: '20', callers: '20', most_often: '192.0.2.30' },
  ])
  // Something may have come of it all the same.
  await audit.record(auditFact({ outcome: 'mail_server_timeout', status: 504 }))
  expect(await all(audit, { principal: 'ada' })).toHaveLength(31)
})

test('while the database is away it is full, who is refused does not wait, and then all is written', async () => {
  const { audit, store } = await startAudit()
  const transact = store.transact.bind(store)
  store.transact = async () => Promise.reject(new Error('connection refused'))
  const waiting = audit.record(auditFact())
  await vi.waitFor(() => expect(audit.isFull).toBe(true))
  await audit.record(auditFact({ outcome: 'overloaded', status: 503 }))
  await waiting
  store.transact = transact
  await vi.waitFor(() => expect(audit.isFull).toBe(false))
  await audit.noteTally()
  const [tally, entry] = (await audit.list({ limit: 2 })).items
  expect(entry).toMatchObject({ number: 1, outcome: 'ok' })
  expect(tally).toMatchObject({ operation: 'access.refused', refs: { count: '1', most_often: 'user-ada' } })
})

test('an export tells each entry so that the chain can be followed without the database', async () => {
  const { audit } = await startAudit()
  for (const name of ['a', 'b', 'ü']) await audit.record(auditFact({ principalName: name, refs: { z: '1', a: name } }))
  const entries = (await exported(audit, 'jsonl'))
    .split('\n')
    .filter(line => line !== '')
    .map(line => AuditEntry.parse(JSON.parse(line)))
  expect(entries.map(({ number }) => number)).toEqual([1, 2, 3])
  let before = ''
  for (const entry of entries) {
    const { hash, ...rest } = entry
    expect(
      createHash('sha256')
        .update(`${before}${canonicalJson(rest)}`)
        .digest('hex'),
    ).toBe(hash)
    before = hash
  }
})

test('a spreadsheet gets the fields as they are, and no formula', async () => {
  const { audit } = await startAudit()
  const names = ['=1+1', '+1', '-1', '@x', ' =1+1', '＝1', 'plain', 'a,"b"', "it's"]
  for (const userAgent of names) await audit.record(auditFact({ userAgent, at: 0 }))
  const lines = (await exported(audit, 'csv')).split('\r\n')
  expect(lines.length).toBe(names.length + 2)
  expect(lines[0]).toMatch(/^number,at,principal_id,.*,refs,.*,request_id,hash$/)
  const column = lines.slice(1, -1).map(line => /^\d+,[^,]+,[^,]+,[^,]+,ada,1,,192.0.2.1,(.*),accounts/.exec(line)?.[1])
  expect(column).toEqual(["'=1+1", "'+1", "'-1", "'@x", "' =1+1", "'＝1", 'plain', '"a,""b"""', "it's"])
})

test('watchers get the newest entry immediately, and then once a second', async () => {
  const { audit, told, record } = await startAudit()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  await record(1)
  const newest = () => told.map(({ type, data }) => [type, 'newest' in data && data.newest])
  expect(newest()).toEqual([['audit_update', 1]])
  await record(1)
  await record(1)
  expect(newest().length).toBe(1)
  vi.advanceTimersByTime(1_000)
  expect(newest().slice(1)).toEqual([['audit_update', 3]])
  vi.advanceTimersByTime(5_000)
  // The page lists the trail because it was notified, which must not cause another notification.
  let isKept = false
  void audit.record(auditFact({ operation: 'audit.listAudit', effect: 'read' })).then(() => {
    isKept = true
  })
  // Reads wait a moment, to be batched with others.
  for (; !isKept; vi.advanceTimersByTime(1)) await new Promise(setImmediate)
  vi.advanceTimersByTime(5_000)
  expect(newest().length).toBe(2)
})

test('JSON has one spelling, whatever the order of the keys and however deep it is', () => {
  expect(canonicalJson({ b: [1, { d: null, c: undefined }], a: 'ü"' })).toBe('{"a":"ü\\"","b":[1,{"d":null}]}')
  const chain = new AuditChain(auditSecrets)
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
  expect(chain.digest(deep)).toMatch(/^[0-9a-f]{64}$/)
})

test('the trail begins on an empty database in memory too', async () => {
  const { audit, record } = await startAudit(await memoryDatabase())
  expect(await audit.list({ limit: 10 })).toEqual({ items: [], next_cursor: null })
  expect(await exported(audit, 'jsonl')).toBe('')
  await record(1)
  expect(await audit.verify()).toMatchObject({ is_whole: true, entries: 1 })
})
