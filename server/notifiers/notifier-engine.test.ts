/** Which notices leave and when: grouping, repetition, escalation, ends, loops, failures and restarts, over real sockets. */
import { expect, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { NoticeStandIn } from '../../test/support/notice-stand-ins.ts'
import { administrator, notifyWorld } from '../../test/support/notify-world.ts'
import { patience } from '../../test/support/patience.ts'
import type { Database } from '../platform/database/database.ts'
import { NotifierStore } from './notifier-store.ts'

const titles = ({ taken }: NoticeStandIn) => taken.map(({ text }) => text.split('\n')[0])

onEachDatabase(open => {
  test('what fires is told at once and once, also over a restart, and its end; what is beneath the floor, quiet or silenced is not', async () => {
    const world = await notifyWorld(await open())
    const { create, raise, clear, pass, start, stop, stand, settle } = world
    const slack = await stand('slack')
    await create({ target: slack.target })
    await start()
    raise('l1')
    raise('l2', { severity: 'info', rule_id: 'r2' })
    raise('l3', { is_quiet: true, rule_id: 'r3' })
    raise('l4', { is_silenced: true, rule_id: 'r4' })
    await settle()
    expect(titles(slack)).toEqual(['Critical: Away (l1)'])
    await stop()
    await start()
    await pass(120)
    expect(titles(slack).length).toBe(1)
    clear('l1')
    clear('l3')
    await settle()
    expect(titles(slack)).toEqual(['Critical: Away (l1)', 'Over: Away (l1)'])
    await pass(7_200)
    expect(titles(slack).length).toBe(2)
    expect(await world.store.listNotified()).toEqual([])
    expect(slack.faults).toEqual([])
  })

  test('a fact of the event stream wakes it', async () => {
    const { create, raise, start, stand, hub, clock } = await notifyWorld(await open())
    const slack = await stand('slack')
    await create({ target: slack.target })
    await start()
    raise('l1')
    const came = new Promise<void>(resolve => {
      slack.onAsked = resolve
    })
    const data = { alert: 'rule' as const, detail: 'Away', at: new Date(clock()).toISOString() }
    hub.publish({ type: 'alert_raised', data })
    await came
    await expect.poll(() => titles(slack)).toEqual(['Critical: Away (l1)'])
  })

  test('more of the same rule is collected, and another rule is told at once', async () => {
    const { create, raise, clear, pass, start, stand, settle } = await notifyWorld(await open())
    const slack = await stand('slack')
    await create({ target: slack.target, group_seconds: 60 })
    await start()
    raise('l1')
    await settle()
    await pass(5)
    raise('l2')
    raise('l3')
    await pass(20)
    expect(titles(slack).length).toBe(1)
    // An alert that fired and cleared while it was grouped is not lost.
    clear('l3')
    await pass(40)
    expect(titles(slack)[1]).toBe('1 alert fires, 1 is over')
    raise('l4')
    raise('m1', { rule_id: 'other', name: 'Outbox', words: 'Outbox: 9 over 1 min' })
    await pass(5)
    expect(titles(slack)[2]).toBe('2 alerts fire')
    expect(titles(slack).length).toBe(3)
  })

  test('an alert without acknowledgement is repeated and escalated to another notifier; an acknowledged one is neither', async () => {
    const { create, raise, change, clear, pass, start, stand, settle } = await notifyWorld(await open())
    const [chat, phone] = [await stand('slack'), await stand('ntfy')]
    const second = await create({ name: 'Phone', target: phone.target, only_escalations: true })
    const escalate = { notifier_id: second.id, after_minutes: 15 }
    await create({ name: 'Team', target: chat.target, repeat_minutes: 60, escalate })
    await start()
    raise('l1')
    raise('l2', { rule_id: 'other', name: 'Outbox', words: 'Outbox: 9' })
    await settle()
    change('l2', { is_acknowledged: true })
    await pass(14 * 60)
    expect(titles(phone)).toEqual([])
    await pass(60)
    expect(titles(phone)).toEqual(['Not acknowledged: Critical: Away (l1)'])
    expect(phone.taken[0]!.text).toContain('Nobody acknowledged this within 15 min. The notifier Team told it first.')
    await pass(46 * 60)
    expect(titles(chat)).toEqual(['2 alerts fire', 'Still critical: Away (l1)'])
    change('l1', { is_acknowledged: true })
    await pass(2 * 60 * 60)
    expect(titles(chat).length).toBe(2)
    clear('l1')
    clear('l2')
    await pass(60)
    expect(titles(chat)[2]).toBe('2 alerts are over')
    expect(titles(phone)).toEqual(['Not acknowledged: Critical: Away (l1)', 'Over: Away (l1)'])
  })

  test('a failure is tried again with the same id, later where it is asked for; the other notifier is told; each try is logged', async () => {
    const { create, raise, pass, start, stand, settle, service, store } = await notifyWorld(await open())
    const [hook, phone] = [await stand('webhook'), await stand('ntfy')]
    const second = await create({ name: 'Phone', target: phone.target, only_escalations: true })
    const escalate = { notifier_id: second.id, after_minutes: 600 }
    const first = await create({ name: 'Hook', target: hook.target, escalate, repeat_minutes: 0 })
    await start()
    hook.ways.push('limit', 'fail', 'fail', 'fail', 'refuse')
    raise('l1')
    await settle()
    await pass(5)
    expect(hook.asked).toBe(1)
    await pass(3)
    expect(hook.asked).toBe(2)
    for (const seconds of [8, 20]) await pass(seconds)
    expect(hook.asked).toBe(4)
    // Four have failed.
    expect(titles(phone)).toEqual(['Critical: Away (l1)'])
    expect(phone.taken[0]!.text).toContain('The notifier Hook could not deliver this.')
    await pass(40)
    const [failing] = (await service.list(administrator())).filter(({ id }) => id === first.id)
    expect(failing).toMatchObject({ waiting: 1, last_fault: 'Answered 404: no such hook' })
    expect(failing!.failing_since).not.toBeNull()
    // A refused notice waits for a configuration change, or ten minutes.
    await pass(60)
    expect(hook.asked).toBe(5)
    await pass(600)
    expect(titles(hook)).toEqual(['Critical: Away (l1)'])
    expect(titles(phone).length).toBe(1)
    const log = await service.deliveries(administrator(), first.id)
    expect(log.map(({ outcome, status, attempt }) => [outcome, status, attempt])).toEqual([
      ['delivered', 204, 6],
      ['retried', 404, 5],
      ['retried', 503, 4],
      ['retried', 503, 3],
      ['retried', 503, 2],
      ['retried', 429, 1],
    ])
    expect(new Set(log.map(({ id }) => id)).size).toBe(1)
    expect(hook.taken[0]!.headers['webhook-id']).toBe(`notice_${log[0]!.id}`)
    expect(await store.listNotices()).toEqual([])
    expect((await service.list(administrator())).map(({ failing_since: since }) => since)).toEqual([null, null])
  })

  test('one that never takes it is given up after a day, and is told of what comes then', async () => {
    const { create, raise, pass, start, stand, service } = await notifyWorld(await open())
    const slack = await stand('slack')
    const { id } = await create({ target: slack.target, repeat_minutes: 0 })
    await start()
    slack.always = 'fail'
    raise('l1')
    for (let passed = 0; passed <= 25; passed++) await pass(3_600)
    const log = await service.deliveries(administrator(), id)
    expect(log.some(({ outcome }) => outcome === 'abandoned')).toBe(true)
    slack.always = undefined
    raise('l2', { rule_id: 'other' })
    await pass(700)
    expect(titles(slack).length).toBe(1)
  })

  test('an end of the process in the middle of an attempt repeats it with the same id', async () => {
    const { create, raise, start, stop, stand, settle } = await notifyWorld(await open())
    const hook = await stand('webhook')
    await create({ target: hook.target })
    await start()
    hook.ways.push('hang')
    const came = new Promise<void>(resolve => {
      hook.onAsked = resolve
    })
    raise('l1')
    const looked = settle()
    await came
    await stop()
    await looked
    await start()
    expect(hook.asked).toBe(2)
    expect(titles(hook)).toEqual(['Critical: Away (l1)'])
    await settle()
    expect(hook.asked).toBe(2)
  })

  test('an attempt that ends while it is read what waits is not made again by what was read', async () => {
    const { create, raise, start, stand, settle, hub, clock, store } = await notifyWorld(await open())
    const slack = await stand('slack')
    await create({ target: slack.target })
    await start()
    const [listed, finished] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { transaction, listNotices } = NotifierStore.prototype
    vi.spyOn(store, 'transaction').mockImplementation(async work => {
      if (slack.asked > 0) await listed.promise
      return transaction.call(store, work)
    })
    let looks = 0
    vi.spyOn(store, 'listNotices').mockImplementation(async () => {
      const rows = await listNotices.call(store)
      // The first is for the plan of that round.
      if (slack.asked === 0 || rows.length === 0 || ++looks !== 2) return rows
      listed.resolve()
      await finished.promise
      return rows
    })
    const data = { alert: 'rule' as const, detail: 'Away', at: new Date(clock()).toISOString() }
    raise('l1')
    hub.publish({ type: 'alert_raised', data })
    await expect.poll(() => slack.asked).toBe(1)
    hub.publish({ type: 'alert_raised', data })
    await listed.promise
    await expect.poll(() => listNotices.call(store)).toEqual([])
    finished.resolve()
    await settle()
    expect(titles(slack)).toEqual(['Critical: Away (l1)'])
  })

  test('one that hangs holds up no other', async () => {
    const { create, raise, start, stop, stand, settle } = await notifyWorld(await open())
    const [hook, slack] = [await stand('webhook'), await stand('slack')]
    await create({ name: 'Hook', target: hook.target })
    await create({ name: 'Chat', target: slack.target })
    await start()
    hook.ways.push('hang')
    raise('l1')
    const looked = settle()
    await expect.poll(() => titles(slack)).toEqual(['Critical: Away (l1)'])
    expect(hook.taken).toEqual([])
    await stop()
    await looked
  })

  test('an attempt that is just being written is written once, and meanwhile others are told', async () => {
    const { create, raise, start, stand, store, hub, clock, settle } = await notifyWorld(await open())
    const [first, second] = [await stand('slack'), await stand('discord')]
    await create({ name: 'First', target: first.target, rule_ids: ['away'] })
    await create({ name: 'Second', target: second.target, rule_ids: ['r2'] })
    await start()
    const { finish } = store
    const transaction = store.transaction.bind(store)
    const held = Promise.withResolvers<void>()
    let [written, isHeld] = [0, false]
    store.finish = async (...given) => {
      written += 1
      return finish.apply(store, given)
    }
    // A commit is not known to be done before its listeners are called.
    store.transaction = async <T>(work: (within: Database) => Promise<T>): Promise<T> => {
      const result = await transaction(work)
      if (written === 1 && !isHeld) {
        isHeld = true
        await held.promise
      }
      return result
    }
    raise('l1')
    const looked = settle()
    await expect.poll(() => written, { timeout: patience }).toBe(1)
    raise('l2', { rule_id: 'r2' })
    const at = new Date(clock()).toISOString()
    hub.publish({ type: 'alert_raised', data: { alert: 'rule', detail: 'Away', at } })
    await expect.poll(() => second.taken.length, { timeout: patience }).toBe(1)
    held.resolve()
    await looked
    await settle()
    expect([written, first.taken.length, second.taken.length]).toEqual([2, 1, 1])
  })

  test('mail about an account neither leaves by it nor goes to it alone: the other notifier is told at once', async () => {
    const { create, raise, clear, pass, start, stand, settle, mails, stopped } = await notifyWorld(await open())
    const phone = await stand('ntfy')
    const second = await create({ name: 'Phone', target: phone.target, only_escalations: true })
    const escalate = { notifier_id: second.id, after_minutes: 60 }
    const target = { kind: 'email', to: ['ops@there.test'], account_id: 'box' }
    await create({ name: 'Mail', target, escalate })
    await create({ name: 'Itself', target: { ...target, to: ['BOX@here.test'], account_id: 'other' } })
    await start()
    raise('l1', { account_id: 'box', words: 'Away (Box): 0 over 1 min' })
    raise('l2', { account_id: 'other', rule_id: 'r2', words: 'Away (Other): 0 over 1 min' })
    await settle()
    // `Mail` reports the other account, and `Itself`, which sends through that one, neither.
    const sent = () =>
      mails.taken.map(({ envelope, bytes }) => [
        envelope.from,
        envelope.to[0],
        /Subject: (.*)/.exec(bytes.toString())![1],
      ])
    expect(sent()).toEqual([['box@here.test', 'ops@there.test', 'Critical: Away (Other)\r'.trim()]])
    expect(titles(phone)).toEqual(['Critical: Away (Box)'])
    clear('l1')
    await pass(60)
    expect(sent().length).toBe(1)
    expect(titles(phone)[1]).toBe('Over: Away (Box)')
    // What a human froze stays frozen, and is sent once it may be.
    stopped.add('box')
    raise('l3', { rule_id: 'r3', words: 'Disk: 99 %', name: 'Disk' })
    await pass(60)
    expect(sent().length).toBe(2)
    stopped.clear()
    await pass(60)
    expect(sent().length).toBe(3)
  })

  test('only named rules and accounts are told where some are named; a storm is bounded by the hour', async () => {
    const { create, raise, pass, start, stand, settle } = await notifyWorld(await open())
    const [slack, hook] = [await stand('slack'), await stand('webhook')]
    await create({ target: slack.target, rule_ids: ['away'], account_ids: ['a'] })
    await create({ name: 'All', target: hook.target, group_seconds: 0 })
    await start()
    raise('l1', { account_id: 'a' })
    raise('l2', { account_id: 'b' })
    raise('l3')
    raise('l4', { account_id: 'a', rule_id: 'other' })
    await settle()
    expect(titles(slack)).toEqual(['Critical: Away (l1)'])
    for (let at = 0; at < 65; at++) {
      raise(`s${at}`, { rule_id: `storm-${at}` })
      await pass(10)
    }
    expect(hook.taken.length).toBe(60)
    await pass(3_600)
    expect(hook.taken.length).toBe(61)
    const { data } = hook.taken[60]!.json as { data: { alerts: unknown[]; others: number } }
    expect([data.alerts.length <= 20, data.alerts.length + data.others >= 5]).toEqual([true, true])
  })

  test('that the database takes no writes is told although nothing can be stored, and logged afterwards', async () => {
    const { create, start, stand, store, service, hear, settle } = await notifyWorld(await open())
    const slack = await stand('slack')
    const { id } = await create({ target: slack.target })
    await create({ name: 'Second', target: slack.target, only_escalations: true })
    await start()
    const { transaction } = store
    store.transaction = async () => {
      throw new Error('database or disk is full')
    }
    slack.ways.push('fail')
    const alert = 'database_unwritable'
    hear({ type: 'alert_raised', data: { alert, detail: 'the disk is full', at: '2026-03-02T12:00:00.000Z' } })
    await expect.poll(() => titles(slack), { timeout: patience }).toEqual(['Critical: The database takes no writes'])
    await settle()
    expect(await service.deliveries(administrator(), id)).toEqual([])
    store.transaction = transaction
    hear({ type: 'alert_cleared', data: { alert, at: '2026-03-02T12:10:00.000Z' } })
    await expect.poll(() => titles(slack)[1], { timeout: patience }).toBe('Over: The database takes no writes')
    const log = async () => (await service.deliveries(administrator(), id)).map(({ outcome }) => outcome).sort()
    await expect.poll(log, { timeout: patience }).toEqual(['delivered', 'delivered', 'retried'])
  })
})
