/** Rules over a recorded history: what is raised, stored and published, which callers see it, what survives restarts, and what a rule would have done. */
import { expect, onTestFinished, test } from 'vitest'
import type { z } from 'zod'
import { type AlertRuleBody, AlertRuleBody as Rule } from '../../contract/alerts.ts'
import type { Scope } from '../../contract/scope.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { HistoryMaintenance } from '../history/history-maintenance.ts'
import { HistoryReader } from '../history/history-reader.ts'
import { HistoryRecorder } from '../history/history-recorder.ts'
import { HistoryStore } from '../history/history-store.ts'
import { SeriesNumbers } from '../history/series-numbers.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { AlertEngine } from './alert-engine.ts'
import { AlertService } from './alert-service.ts'
import { AlertStore } from './alert-store.ts'
import { starterRules } from './starter-rules.ts'

const logger = createLogger('silent')
const midnight = Date.parse('2026-03-02T00:00:00Z') / 1000
const away: z.input<typeof Rule> = {
  name: 'Away',
  series: 'account_ready',
  per: ['account_id'],
  aggregation: 'max',
  window_seconds: 15,
  comparison: 'below',
  threshold: 0.5,
  for_seconds: 60,
  keep_seconds: 30,
}

const principal = (accounts: Principal['accounts'] = 'all', scope: Scope = 'dashboard:admin'): Principal => ({
  ...{ id: 'user-1', name: 'Ada', kind: 'session', userId: '1' },
  scopes: scopeSet([scope]),
  accounts,
})

async function world(db: Database) {
  let now = midnight
  const gauges = new Map<string, number>()
  const { hub, facts } = await startHub(db)
  const marks: string[] = []
  const history = new HistoryStore(db)
  const numbers = new SeriesNumbers(history)
  await numbers.start()
  const maintenance = new HistoryMaintenance({ store: history, numbers, writer: 0 })
  const recorder = new HistoryRecorder({
    readGauges: set => {
      for (const [account_id, value] of gauges) set('account_ready', value, { account_id })
    },
    maintenance,
    logger,
    now: () => now * 1000,
  })
  const reader = new HistoryReader({ store: history, numbers, recent: () => recorder.recent, now: () => now })
  const store = new AlertStore(db)
  const leases = { want: () => ({ find: () => ({ name: 'alerts', fence: async () => {} }), giveBack: async () => {} }) }
  const engineOf = () =>
    new AlertEngine({
      ...{ store, reader, hub, leases, logger },
      nameOf: async id => `Mail of ${id}`,
      mark: (_at, words) => marks.push(words),
      now: () => now * 1000,
    })
  let engine = engineOf()
  const service = new AlertService({ store, reader, hub, now: () => now * 1000 })
  /** Takes samples and evaluates rules, as the timers do. */
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 5) {
      recorder.sample()
      now += 5
      await engine.look()
      // Minutes pass in milliseconds here, and more than ten that wait for their database are given up.
      while (recorder.recent.length > 1) await new Promise(resolve => setImmediate(resolve))
    }
  }
  const start = async () => {
    engine = engineOf()
    await engine.start()
    onTestFinished(() => engine.stop())
  }
  return {
    ...{ hub, store, reader, recorder, maintenance, service, gauges, marks, pass, start },
    told: () =>
      facts()
        .filter(({ type }) => type.startsWith('alert'))
        .map(({ type, data }) => [type, (data as { detail: string }).detail]),
    stop: () => engine.stop(),
    now: () => now,
    jump: (seconds: number) => {
      now += seconds
    },
  }
}

const rule = (change: Partial<AlertRuleBody> = {}) => ({ ...Rule.parse(away), ...change })

onEachDatabase(open => {
  test('a fault is told within 10 s after its time, also over a restart, and cleared when it was well for long enough', async () => {
    const db = await open()
    const { service, gauges, pass, start, stop, told, marks, now } = await world(db)
    await start()
    for (const { id } of (await service.listRules(principal())).filter(({ is_starter: own }) => own)) {
      await service.delete(principal(), id)
    }
    await service.create(principal(), rule())
    gauges.set('a', 1).set('b', 1)
    await pass(60)
    expect(await service.list(principal(), { state: 'open', limit: 10 })).toEqual({ items: [], next_cursor: null })
    gauges.set('a', 0)
    const fault = now()
    await pass(40)
    const { items: pending } = await service.list(principal(), { state: 'pending', limit: 10 })
    expect(pending.map(({ account_id: id, state }) => [id, state])).toEqual([['a', 'pending']])
    await stop()
    await start()
    let raisedAt: number | undefined
    while (raisedAt === undefined && now() < fault + 200) {
      await pass(5)
      if (told().length > 0) raisedAt = now()
    }
    // The window first has to hold nothing but the fault.
    expect(raisedAt! - fault).toBeLessThanOrEqual(15 + 60 + 10)
    expect(told()).toEqual([['alert_raised', 'Away (Mail of a): not connected in the last 15 s']])
    await stop()
    // In the words of an earlier version.
    await db.updateTable('alerts').set({ words: 'Away (a): 0' }).execute()
    await start()
    await pass(5)
    const { items: firing } = await service.list(principal(), { state: 'firing', limit: 10 })
    expect(firing.map(({ words }) => words)).toEqual(['Away (Mail of a): not connected in the last 15 s'])
    gauges.set('a', 1)
    await pass(20)
    expect(told().length).toBe(1)
    await pass(40)
    expect(told().map(([type]) => type)).toEqual(['alert_raised', 'alert_cleared'])
    expect(marks.length).toBe(2)
    const { items } = await service.list(principal(), { state: 'cleared', limit: 10 })
    expect(items).toMatchObject([{ account_id: 'a', state: 'cleared', is_quiet: false }])
  })

  test.each([
    ['above', 10, 3_600],
    ['below', 117, 7_000],
  ] as const)(
    'what is counted over an hour and more is told as soon: %s %i over %i s',
    async (comparison, threshold, window) => {
      const { service, recorder, pass, start, told, now } = await world(await open())
      await start()
      for (const { id } of await service.listRules(principal())) await service.delete(principal(), id)
      const counted = {
        series: 'imap_failures',
        aggregation: 'sum',
        window_seconds: window,
        for_seconds: 0,
      } as const
      const fail = (times: number) => recorder.count('imap_failures', { account_id: 'a', cause: 'timeout' }, times)
      const eachMinute = async (minutes: number) => {
        for (let minute = 0; minute < minutes; minute++) {
          await pass(30)
          fail(1)
          await pass(30)
        }
      }
      if (comparison === 'below') await eachMinute(120)
      await service.create(principal(), rule({ ...counted, per: [], comparison, threshold }))
      // One a minute is not too few in a minute that has just begun.
      await (comparison === 'below' ? eachMinute(2) : pass(65))
      expect(told()).toEqual([])
      if (comparison === 'below') return
      const fault = now()
      fail(11)
      while (told().length === 0 && now() < fault + 120) await pass(5)
      expect([told().length, now() - fault]).toEqual([1, 5])
    },
  )

  test('each caller sees alerts of its accounts, acknowledges and silences; what is silenced or comes in quiet hours is marked', async () => {
    const { service, gauges, pass, start, store } = await world(await open())
    await start()
    for (const { id } of await service.listRules(principal())) await service.delete(principal(), id)
    const everyDay = { days: [1, 2, 3, 4, 5, 6, 7], time_zone: 'Europe/Vienna' }
    await service.create(principal(), rule({ for_seconds: 0, keep_seconds: 0 }))
    const quiet = { name: 'Quiet', for_seconds: 0, quiet_hours: { ...everyDay, from: '00:00', to: '23:59' } }
    await service.create(principal(), rule({ ...quiet, where: { account_id: 'b' } }))
    gauges.set('a', 0).set('b', 0)
    await pass(30)
    const list = async (of: Principal) => (await service.list(of, { state: 'firing', limit: 10 })).items
    expect((await list(principal())).map(({ name, account_id: id, is_quiet: q }) => [name, id, q]).sort()).toEqual([
      ['Away', 'a', false],
      ['Away', 'b', false],
      ['Quiet', 'b', true],
    ])
    const narrow = principal(new Set(['a']), 'dashboard:operate')
    const [own] = await list(narrow)
    expect((await list(narrow)).map(({ account_id: id }) => id)).toEqual(['a'])
    const foreign = (await list(principal())).find(({ account_id: id }) => id === 'b')!
    await expect(service.acknowledge(narrow, foreign.id)).rejects.toMatchObject({ code: 'not_found' })
    expect(await service.acknowledge(narrow, own!.id)).toMatchObject({ acknowledged_by: 'Ada' })
    expect((await service.silence(narrow, own!.id, 3600)).silenced_until).not.toBeNull()
    gauges.set('a', 1)
    await pass(60)
    gauges.set('a', 0)
    await pass(60)
    const [again] = await list(narrow)
    expect(again).toMatchObject({ is_quiet: true, acknowledged_at: null })
    expect(again!.id).not.toBe(own!.id)
    expect((await service.silence(narrow, again!.id, 0)).silenced_until).toBeNull()
    expect((await store.listSilences('2026-01-01T00:00:00.000Z')).length).toBe(1)
    await store.prune(0, '2030-01-01T00:00:00.000Z')
    expect((await service.list(principal(), { state: 'cleared', limit: 10 })).items).toEqual([])
    expect((await list(narrow)).length).toBe(1)
    // Beyond a page.
    const first = await service.list(principal(), { state: 'firing', limit: 2 })
    const rest = await service.list(principal(), { state: 'firing', limit: 2, cursor: first.next_cursor! })
    expect([first.items.length, rest.items.length, rest.next_cursor]).toEqual([2, 1, null])
  })

  test('what a rule has open is cleared when it is switched off or deleted; a deleted starter rule stays deleted', async () => {
    const { service, gauges, pass, start, stop, told } = await world(await open())
    await start()
    const starters = (await service.listRules(principal())).map(({ id }) => id)
    expect(starters.sort()).toEqual(starterRules.map(({ id }) => id).sort())
    for (const id of starters) await service.delete(principal(), id)
    const { id } = await service.create(principal(), rule({ for_seconds: 0 }))
    gauges.set('a', 0)
    await pass(20)
    await service.change(principal(), id, rule({ enabled: false }))
    await pass(5)
    expect(told().map(([type]) => type)).toEqual(['alert_raised', 'alert_cleared'])
    await stop()
    await start()
    expect((await service.listRules(principal())).map(({ is_starter: own }) => own)).toEqual([false])

    // A starter rule can be reset, whether deleted or changed.
    const [{ id: starter, rule: asShipped }] = starterRules as [(typeof starterRules)[number]]
    expect(await service.reset(principal(), starter)).toMatchObject({ name: asShipped.name, is_changed: false })
    const changed = await service.change(principal(), starter, { ...asShipped, threshold: 0.1, enabled: false })
    expect(changed.is_changed).toBe(true)
    expect(await service.reset(principal(), starter)).toMatchObject({ ...asShipped, is_starter: true })
    await expect(service.reset(principal(), id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(service.reset(principal(new Set(['a'])), starter)).rejects.toMatchObject({ code: 'forbidden' })
  })
})

onEachDatabase(open => {
  test('a back-test finds what live found, and callers with a list of accounts only their own', async () => {
    const { service, gauges, pass, start, told, now, recorder } = await world(await open())
    await start()
    const starters = await service.listRules(principal())
    for (const { id } of starters) await service.delete(principal(), id)
    await service.create(principal(), rule())
    gauges.set('a', 1).set('b', 1)
    await pass(120)
    gauges.set('a', 0)
    await pass(180)
    gauges.set('a', 1)
    await pass(120)
    expect(told().map(([type]) => type)).toEqual(['alert_raised', 'alert_cleared'])
    const { items: live } = await service.list(principal(), { state: 'cleared', limit: 1 })
    const from = new Date(midnight * 1000).toISOString()
    const tried = await service.backTest(principal(), rule(), from, undefined)
    expect(tried).toMatchObject({ fired: 1, flapped: 0, step_seconds: 5, window_seconds: 15, instances_left_out: 0 })
    const [first] = tried.instances
    expect(first).toMatchObject({ labels: { account_id: 'a' }, fired: 1 })
    expect(first!.firings).toEqual([{ from: live[0]!.raised_at, to: live[0]!.cleared_at, worst: 0 }])
    const other = await service.backTest(principal(new Set(['b'])), rule(), from, undefined)
    expect(other.instances.map(({ labels }) => labels)).toEqual([{ account_id: 'b' }])
    expect(other.fired).toBe(0)
    await recorder.stop()
    expect(now()).toBeGreaterThan(midnight)
  })
})

test('a quiet week raises nothing: no starter rule fires on figures of a server that is well', async () => {
  const { memoryDatabase } = await import('../../test/support/databases.ts')
  const { maintenance, service, start, now, jump } = await world(await memoryDatabase())
  const { mergeTimes, observe, pointOf } = await import('../history/point.ts')
  const { keyOf } = await import('../history/series.ts')
  await start()
  // As recorded, per minute: a daily rhythm, failed sign-ins, an account unreachable for two minutes each night.
  const minutes = 7 * 24 * 60
  for (let minute = 0; minute < minutes; minute++) {
    const hour = Math.floor(minute / 60) % 24
    const busy = hour > 7 && hour < 19 ? 1 : 0.1
    const points = new Map()
    const put = (key: string, value: number) => points.set(key, [[0, mergeTimes(undefined, pointOf(value))]])
    put(keyOf('up', {}), 1)
    put(keyOf('event_loop_delay', {}), minute % 360 === 0 ? 400 : 12)
    put(keyOf('storage_free', {}), 20 * 1024 ** 3)
    put(keyOf('requests', {}), Math.round(200 * busy))
    put(keyOf('errors', { code: 'message_not_found' }), Math.round(6 * busy))
    if (minute % 120 === 0) put(keyOf('errors', { code: 'sign_in_failed' }), 2)
    const call = { tool: 'mail_search', outcome: 'ok' }
    put(keyOf('calls', { ...call, principal: 'token-1', caller: 'program' }), Math.round(40 * busy))
    // A person pages through all that there is, once.
    if (minute > 6 * 24 * 60 + 600 && minute < 6 * 24 * 60 + 630) {
      put(keyOf('calls', { ...call, principal: 'session-1', caller: 'person' }), 2_000)
    }
    if (minute % 600 === 0) put(keyOf('imap_failures', { account_id: 'a', cause: 'timeout' }), 1)
    if (minute % 2000 === 0) put(keyOf('mail_failed', { account_id: 'a' }), 1)
    put(keyOf('queue', { queue: 'outbox_late' }), 0)
    put(keyOf('queue', { queue: 'approvals_late' }), 0)
    put(keyOf('mail_received', { account_id: 'a' }), busy > 0.5 ? 1 : 0)
    put(keyOf('account_ready', { account_id: 'a' }), hour === 3 && minute % 60 < 2 ? 0 : 1)
    put(keyOf('token_days', { principal: 'token-1' }), 20 - minute / 1440)
    put(keyOf('tokens', { principal: 'token-1', tool: 'mail_search' }), Math.round(60_000 * busy))
    if (minute % 90 === 0) put(keyOf('messages_changed', { principal: 'token-1' }), 400)
    // Renewed on the fourth day, as by the usual programs: with a third of its life left.
    const left = minute < 4 * 1440 ? 34 : 94
    for (const protocol of ['imap', 'smtp']) {
      put(keyOf('certificate_days', { account_id: 'a', protocol }), left - minute / 1440)
      // A certificate of six days, renewed with a third of its life left.
      put(keyOf('certificate_life', { account_id: 'b', protocol }), 100 - (minute % (4 * 1440)) / (6 * 14.4))
    }
    points.set(keyOf('response_time', {}), [[0, observe(undefined, 20)]])
    // Minutes older than two days are not read, so only some are stored.
    if (minute % 5 === 0 || minute > 5 * 24 * 60) await maintenance.keepMinute({ start: now(), points })
    jump(60)
    if (minute % 60 === 59) await maintenance.maintain(now())
  }
  const { items } = { items: await service.listRules(principal()) }
  expect(items.length).toBe(starterRules.length)
  const from = new Date(midnight * 1000).toISOString()
  for (const { id, is_starter: _, is_changed, words: __, changed_at: ___, changed_by: ____, ...body } of items) {
    expect([id, is_changed]).toEqual([id, false])
    const tried = await service.backTest(principal(), body, from, undefined)
    expect([id, tried.fired]).toEqual([id, 0])
    expect(tried.instances.length).toBeGreaterThan(0)
    // The last two days are kept in minutes, in which short troubles are seen.
    const fine = await service.backTest(
      principal(),
      body,
      new Date((now() - 47 * 3600) * 1000).toISOString(),
      undefined,
    )
    expect([id, fine.step_seconds, fine.fired]).toEqual([id, 60, 0])
  }
})

test('absurd rules are refused in words', async () => {
  const { memoryDatabase } = await import('../../test/support/databases.ts')
  const { service } = await world(await memoryDatabase())
  for (const [change, word] of [
    [{ series: 'nothing' }, 'series'],
    [{ aggregation: 'sum' }, 'aggregation'],
    [{ per: ['tool'] }, 'per'],
    [{ per: ['account_id', 'account_id'] }, 'twice'],
    [{ where: { code: 'x' } }, 'where'],
    [{ clear_threshold: 0.1 }, 'clear_threshold'],
    [{ no_data: 'alert' }, 'no_data'],
    [{ share_of: { series: 'up', at_least: 1 } }, 'share_of'],
    [{ usual: { days: 7, at_least: 1 } }, 'usual'],
    [{ quiet_hours: { days: [1], from: '22:00', to: '06:00', time_zone: 'Mars/Base' } }, 'time_zone'],
  ] as [Partial<AlertRuleBody>, string][]) {
    await expect(service.create(principal(), rule(change))).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining(word),
    })
  }
  for (const absurd of [
    { window_seconds: 1e9 },
    { threshold: Number.POSITIVE_INFINITY },
    { for_seconds: -1 },
    { window_seconds: 0.5 },
  ]) {
    expect(Rule.safeParse({ ...away, ...absurd }).success).toBe(false)
  }
  const whole = Rule.parse({
    name: 'E',
    series: 'errors',
    aggregation: 'sum',
    window_seconds: 60,
    comparison: 'above',
    threshold: 1,
  })
  await expect(
    service.backTest(principal(new Set(['a'])), whole, '2026-03-01T00:00:00.000Z', undefined),
  ).rejects.toMatchObject({ code: 'forbidden' })
  await expect(service.create(principal(new Set(['a'])), rule())).rejects.toMatchObject({ code: 'forbidden' })
  await expect(service.backTest(principal(), rule(), '2027-03-01T00:00:00.000Z', undefined)).rejects.toMatchObject({
    code: 'bad_request',
  })
})
