/** The queue sends each message once, keeps bad ones out of the way of others, tries again when that helps, and never when it could do harm. */
import { expect, test, vi } from 'vitest'
import { principalOf } from '../../test/support/operation-world.ts'
import { agent, ManualClock, startOutbox, user } from '../../test/support/outbox-world.ts'
import { SubmissionStore } from './submission-store.ts'

const minute = 60_000

test('what is submitted is sent, with its steps told', async () => {
  const { submit, until, senders, blobs, facts, marks } = await startOutbox()
  const row = await submit({ to: ['anne@there.test'], bcc: ['bob@there.test'] })
  const sent = await until(row.id, 'sent')
  expect(sent.recipients.map(({ email, kind, state }) => [email, kind, state])).toEqual([
    ['anne@there.test', 'to', 'accepted'],
    ['bob@there.test', 'bcc', 'accepted'],
  ])
  expect(sent).toMatchObject({ attempts: 1, error: null, can: [] })
  expect(facts.map(({ state }) => state)).toEqual(['queued', 'sending', 'sent'])
  expect(senders.taken.map(({ bytes }) => bytes)).toEqual([blobs.held.get(row.blob_id)])
  expect(marks).toEqual(['submitted', 'sent'])
})

test('a message is sent at its time, and not when it was cancelled before', async () => {
  const { submit, until, senders, clock, outbox } = await startOutbox()
  const sendAt = new Date(clock.now() + 10 * minute).toISOString()
  const late = await submit({ subject: 'late' }, 'scheduled', { sendAt })
  const undone = await submit({ subject: 'undone' }, 'scheduled', { sendAt })
  await until((await submit({ subject: 'now' })).id, 'sent')
  await outbox.cancel(agent, undone.id)
  await expect.poll(() => clock.pending).toContain(minute * 10)
  clock.advance(10 * minute)
  await until(late.id, 'sent')
  expect(senders.taken).toHaveLength(2)
  expect((await outbox.get(agent, undone.id)).state).toBe('cancelled')
})

test('a message whose timer rings a moment early is sent all the same, though it falls due while the queue looks', async () => {
  const clock = new ManualClock()
  let earlyMs = 0
  const time = { now: () => clock.now() - earlyMs, after: (ms: number, run: () => void) => clock.after(ms, run) }
  const { submit, until } = await startOutbox({ clock: time })
  const { id } = await submit({}, 'scheduled', { sendAt: new Date(clock.now() + minute).toISOString() })
  await expect.poll(() => clock.pending).toEqual([minute])
  const { listDue } = SubmissionStore.prototype
  vi.spyOn(SubmissionStore.prototype, 'listDue').mockImplementation(async function (this: SubmissionStore, ...asked) {
    const due = await listDue.apply(this, asked)
    // The message has arrived by the time of the response.
    earlyMs = 0
    return due
  })
  earlyMs = 1
  clock.advance(minute)
  await expect.poll(() => clock.pending).toEqual([1])
  clock.advance(1)
  await until(id, 'sent')
})

test('a temporary refusal is tried again, later and later, and given up after two days', async () => {
  const { submit, until, senders, clock } = await startOutbox()
  senders.server = { message: () => '451 4.7.1 later' }
  const { id } = await submit()
  const delays: number[] = []
  for (let attempt = 1; ; attempt++) {
    await expect.poll(async () => (await until(id, 'queued', attempt).catch(() => undefined))?.attempts).toBe(attempt)
    const { next_attempt_at: next, error } = await until(id, 'queued', attempt)
    expect(error).toMatchObject({ code: 'refused', server_response: '451 4.7.1 later' })
    delays.push((Date.parse(next!) - clock.now()) / minute)
    if (delays.length === 9) break
    await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
    clock.advance(delays.at(-1)! * minute)
  }
  expect(delays).toEqual([1, 2, 5, 15, 30, 60, 120, 240, 240])
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  clock.advance(48 * 60 * minute)
  const failed = await until(id, 'failed')
  expect(failed.recipients).toMatchObject([{ state: 'refused' }])
  expect(failed.error).toMatchObject({ code: 'refused' })
})

test('refused recipients are told apart, and those refused for now are tried again alone', async () => {
  const { submit, until, senders, clock, marks } = await startOutbox()
  const words: Record<string, string> = { 'gone@there.test': '550 5.1.1 no such user', 'full@there.test': '452 full' }
  senders.server = { recipient: email => words[email] }
  const { id } = await submit({ to: ['anne@there.test', 'gone@there.test', 'full@there.test'] })
  const waiting = await until(id, 'queued', 1)
  expect(waiting.recipients.map(({ state, response }) => [state, response])).toEqual([
    ['accepted', '250 2.0.0 queued'],
    ['refused', '550 5.1.1 no such user'],
    ['waiting', '452 full'],
  ])
  delete words['full@there.test']
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  clock.advance(minute)
  const partial = await until(id, 'partial')
  expect(partial.recipients.map(({ state }) => state)).toEqual(['accepted', 'refused', 'accepted'])
  expect(senders.taken.map(({ envelope }) => envelope.to)).toEqual([['anne@there.test'], ['full@there.test']])
  expect(marks.at(-1)).toBe('sent')
})

test('a message that is refused for good fails, and opens its draft again', async () => {
  const { submit, until, senders, marks } = await startOutbox()
  senders.server = { message: () => '554 5.7.1 spam' }
  const failed = await until((await submit()).id, 'failed')
  expect(failed.error).toMatchObject({ code: 'refused', server_response: '554 5.7.1 spam' })
  expect(failed.recipients).toMatchObject([{ state: 'refused', response: '554 5.7.1 spam' }])
  expect(marks).toEqual(['submitted', 'open'])
})

test('a lost answer is unknown, and nothing repeats it', async () => {
  const { submit, until, senders, clock, restart } = await startOutbox()
  senders.server = { message: () => 'lose' }
  const { id } = await submit()
  const unknown = await until(id, 'unknown')
  expect(unknown.recipients).toMatchObject([{ state: 'unknown' }])
  clock.advance(72 * 60 * minute)
  await restart()
  await until((await submit({ subject: 'another' })).id, 'unknown')
  expect(senders.taken).toHaveLength(2)
})

test('what was being sent when the program was killed is unknown after the start', async () => {
  const { submit, until, senders, stop, start, hub, store } = await startOutbox()
  await stop()
  const { id } = await submit()
  await hub.transact(transaction => store.claim(transaction, id))
  await start()
  expect((await until(id, 'unknown')).error?.code).toBe('unknown')
  expect(senders.taken).toEqual([])
})

test('a stop lets what is being sent come to its end', async () => {
  const { submit, until, senders, stop } = await startOutbox()
  const { promise: go, resolve } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  senders.server = {
    before: () => {
      begin()
      return go
    },
  }
  const { id } = await submit()
  await begun
  const stopped = stop()
  resolve()
  await stopped
  expect((await until(id, 'sent')).attempts).toBe(1)
})

test('one that a stop cuts off before it was handed over is sent after the start, and did not count', async () => {
  const { submit, until, senders, stop, start, clock } = await startOutbox()
  const { promise: go, resolve } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  senders.server = {
    before: () => {
      begin()
      return go
    },
  }
  const { id } = await submit()
  await begun
  const stopped = stop()
  await expect.poll(() => clock.pending).toContain(4_000)
  clock.advance(4_000)
  resolve()
  await stopped
  senders.server = {}
  await start()
  expect((await until(id, 'sent')).attempts).toBe(1)
  expect(senders.taken).toHaveLength(1)
})

test('one slow message holds up no other, nor another account', async () => {
  const { submit, until, senders } = await startOutbox({ connections: 2 })
  const { promise: go, resolve } = Promise.withResolvers<void>()
  senders.server = {
    message: ({ envelope }) => (envelope.to[0] === 'slow@there.test' ? go.then(() => undefined) : undefined),
  }
  const slow = await submit({ to: ['slow@there.test'] })
  for (const accountId of ['a', 'b', 'a']) await until((await submit({ accountId })).id, 'sent')
  expect(senders.mostBusy).toBe(2)
  resolve()
  await until(slow.id, 'sent')
})

test('a wrong password pauses the account and burns no messages; a new one ends the pause', async () => {
  const { submit, until, senders, clock, hub, outbox } = await startOutbox()
  senders.server = { away: { code: 'mail_login_refused', response: '535 5.7.8 wrong password' } }
  const rows = []
  rows.push(await submit())
  await until(rows[0]!.id, 'queued', 1)
  for (let count = 0; count < 20; count++) rows.push(await submit())
  const attempts = async () => {
    const { items } = await outbox.list(user, { limit: 100 })
    return items.reduce((sum, item) => sum + item.attempts, 0)
  }
  const [first] = rows
  expect((await outbox.get(user, first!.id)).error).toMatchObject({ code: 'mail_login_refused' })
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  clock.advance(minute)
  await expect.poll(attempts).toBe(2)
  await expect.poll(() => clock.pending).toContain(2 * minute)
  senders.server = {}
  const named = { name: 'a', email: 'a@test.local', is_sandbox: false, at: new Date().toISOString() }
  hub.publish({ type: 'account_updated', data: { account_id: 'a', ...named, changed: ['smtp.password'] } })
  for (const { id } of rows.slice(2)) await until(id, 'sent')
  expect(await attempts()).toBeLessThanOrEqual(rows.length + 2)
})

test('while the account cannot send, all its messages are given up after two days', async () => {
  const { submit, until, senders, clock } = await startOutbox()
  senders.server = { away: { code: 'mail_server_unreachable', response: '' } }
  const rows = [await submit(), await submit(), await submit()]
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  clock.advance(49 * 60 * minute)
  for (const { id } of rows) expect((await until(id, 'failed')).error?.code).toBe('mail_server_unreachable')
})

test('what a human stopped waits, and lets others pass; what is under way then is not completed', async () => {
  const { submit, until, senders, frozen, hub, get } = await startOutbox()
  const other = principalOf('token-other')
  frozen.add(agent.id)
  const held = await Promise.all(Array.from({ length: 5 }, () => submit()))
  await until((await submit({}, 'queued', { principal: other })).id, 'sent')
  expect(await get(held[0]!.id)).toMatchObject({ state: 'queued', attempts: 0, is_frozen: true })
  const thaw = () => {
    frozen.delete(agent.id)
    const at = new Date().toISOString()
    const data = { freeze_id: 'f', target: 'principal', is_frozen: false, reads: 'allow', by: 'ann', at } as const
    hub.publish({ type: 'freeze_changed', data })
  }
  const { promise: begun, resolve } = Promise.withResolvers<void>()
  senders.server = {
    before: () => {
      frozen.add(agent.id)
      resolve()
    },
  }
  thaw()
  await begun
  await Promise.all(held.map(({ id }) => until(id, 'queued', 0)))
  expect(senders.taken).toHaveLength(1)
  senders.server = {}
  thaw()
  for (const { id } of held) expect((await until(id, 'sent')).attempts).toBe(1)
})

test('bytes that are not those that were handed in never leave', async () => {
  const { submit, until, senders, blobs, stop, start } = await startOutbox()
  await stop()
  const row = await submit()
  blobs.held.set(row.blob_id, Buffer.from('Subject: other\r\n\r\nbuy this\r\n'))
  await start()
  const failed = await until(row.id, 'failed')
  expect([failed.error?.code, senders.taken.length]).toEqual(['content_changed', 0])
})

test('a message that was claimed, and the answer to that commit lost, is sent, and once', async () => {
  const { hub, submit, until, senders, clock, facts } = await startOutbox()
  const transact = hub.transact.bind(hub)
  let isLost = false
  vi.spyOn(hub, 'transact').mockImplementation(async work => {
    const result = await transact(work)
    if (isLost || facts.at(-1)?.state !== 'sending') return result
    isLost = true
    throw new Error('Connection terminated unexpectedly')
  })
  const { id } = await submit()
  const states = () => {
    clock.advance(1_000)
    return facts.at(-1)?.state
  }
  await expect.poll(states).toBe('sent')
  expect(isLost).toBe(true)
  expect(await until(id, 'sent')).toMatchObject({ attempts: 1 })
  expect(senders.taken).toHaveLength(1)
  expect(facts.map(({ state }) => state).slice(0, 5)).toEqual(['queued', 'sending', 'queued', 'sending', 'sent'])
})

test('what was claimed together with one whose rules cannot be asked again is sent', async () => {
  const { submit, until, clock } = await startOutbox({
    queue: {
      leaving: {
        rulesIn: () => async row => (row.subject === 'held' ? { verdict: 'ask' } : { verdict: 'leave', account: '1' }),
        judgeAgain: async () => {
          throw new Error('the database is away')
        },
      },
    },
  })
  const sendAt = new Date(clock.now() + minute).toISOString()
  await submit({ subject: 'held' }, 'scheduled', { sendAt })
  const free = await submit({ subject: 'free' }, 'scheduled', { sendAt })
  await expect.poll(() => clock.pending).toContain(minute)
  clock.advance(minute)
  await until(free.id, 'sent')
})

test('what became of an attempt, whose commit was answered by nothing, is not written over the next attempt', async () => {
  const clock = new ManualClock()
  // A database that is down for long: writes are retried when the test says so.
  const writeAgain: (() => void)[] = []
  const after = (ms: number, run: () => void) => {
    if (ms !== 1_000) return clock.after(ms, run)
    writeAgain.push(run)
    return () => undefined
  }
  const { hub, submit, until, senders, facts } = await startOutbox({ clock: { now: clock.now, after } })
  const transact = hub.transact.bind(hub)
  let isLost = false
  const transactions: Promise<unknown>[] = []
  vi.spyOn(hub, 'transact').mockImplementation(async work => {
    const running = transact(work)
    transactions.push(running)
    const result = await running
    const { state, attempts } = facts.at(-1)!
    if (isLost || state !== 'queued' || attempts !== 1) return result
    isLost = true
    throw new Error('Connection terminated unexpectedly')
  })
  let tries = 0
  const taken = Promise.withResolvers<undefined>()
  senders.server = {
    message: ({ envelope }) => {
      if (envelope.to[0] !== 'late@there.test') return undefined
      return ++tries === 1 ? '451 4.7.1 later' : taken.promise
    },
  }
  const { id } = await submit({ to: ['late@there.test'] })
  await expect.poll(() => writeAgain.length).toBe(1)
  clock.advance(minute)
  await until((await submit({ to: ['other@there.test'] })).id, 'sent')
  await expect.poll(() => tries).toBe(2)
  writeAgain[0]!()
  await new Promise(setImmediate)
  await Promise.all(transactions)
  taken.resolve(undefined)
  await until(id, 'sent', 2)
  expect(senders.taken).toHaveLength(2)
})
