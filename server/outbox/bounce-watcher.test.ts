/** A report that arrives is tied to what was sent, and a forged one can do no more than that. */
import { expect, test } from 'vitest'
import { bounceSamples, reportOf } from '../../test/support/bounces.ts'
import { startOutbox } from '../../test/support/outbox-world.ts'
import { EventStore } from '../events/event-store.ts'
import { createLogger } from '../platform/logger.ts'
import { BounceCursorStore } from './bounce-cursor-store.ts'
import type { Arrival } from './bounce-look.ts'
import { BounceWatcher } from './bounce-watcher.ts'

async function startWatching() {
  const world = await startOutbox()
  const { store, hub, db, pool, clock, gateway } = world
  const cursors = new BounceCursorStore(db)
  const events = new EventStore(db)
  const begin = async () => {
    const watcher = new BounceWatcher({
      ...{ store, hub, pool, clock, cursors, logger: createLogger('silent') },
      newestArrivals: async limit =>
        (await events.newestOf('mail_received', limit)).map(({ number, data }) => {
          return { number, arrival: JSON.parse(data) as Arrival }
        }),
    })
    await watcher.start()
    await watcher.idle()
    return watcher
  }
  const watcher = await begin()
  /** Waits until its fact is logged. */
  const deliver = async (text: string, { account_id = 'a', at = new Date().toISOString() } = {}) => {
    const raw = Buffer.from(text.replaceAll('\n', '\r\n'))
    const uid = gateway.deliver({ raw })
    const uid_validity = gateway.getFolder('INBOX').uidValidity
    const from = { email: /^From:.*?([\w.-]+@[\w.-]+)/m.exec(text)![1]!, name: null }
    const subject = /^Subject: (.*)$/m.exec(text)![1]!
    const heard = Promise.withResolvers<void>()
    const stop = hub.listen('mail_received', () => heard.resolve())
    hub.publish({ type: 'mail_received', data: { account_id, folder: 'INBOX', uid, uid_validity, from, subject, at } })
    await heard.promise
    stop()
  }
  const arrive = async (text: string, account_id = 'a') => {
    await deliver(text, { account_id })
    await watcher.idle()
  }
  const sent = async (to = ['anne@there.test', 'bystander@there.test']) => {
    const row = await world.submit({ to })
    await world.until(row.id, 'sent')
    return row
  }
  const statesOf = async (id: string) => (await world.get(id)).recipients.map(({ state }) => state)
  return { ...world, watcher, begin, cursors, deliver, arrive, sent, statesOf }
}

test.each(bounceSamples)('$name', async ({ write, words }) => {
  const { arrive, sent, get, facts, watcher } = await startWatching()
  const { id, message_id } = await sent()
  await arrive(write('anne@there.test', message_id))
  const { recipients, state } = await get(id)
  expect([state, recipients.map(each => each.state)]).toEqual(['sent', ['bounced', 'accepted']])
  expect(recipients[0]!.response).toContain(words)
  expect(facts.at(-1)).toMatchObject({ submission_id: id, state: 'sent', accepted: 1, bounced: 1 })
  await watcher.stop()
})

test('a report that names another message, another account or no recipient of it changes nothing', async () => {
  const { arrive, sent, statesOf, watcher } = await startWatching()
  const { id, message_id } = await sent()
  const told = (email: string, messageId: string) => reportOf(email, messageId, 'failed', '5.1.1', '550 no')
  await arrive(told('anne@there.test', '<other@here.test>'))
  await arrive(told('stranger@there.test', message_id))
  await arrive(told('anne@there.test', message_id), 'b')
  await arrive(reportOf('anne@there.test', message_id, 'delayed', '4.4.1', '450 later'))
  expect(await statesOf(id)).toEqual(['accepted', 'accepted'])
  await watcher.stop()
})

test('a report that names no message is tied to the only one that it can be about', async () => {
  const { arrive, sent, statesOf, watcher } = await startWatching()
  const gmail = bounceSamples.find(({ namesMessage }) => !namesMessage)!
  const only = await sent(['anne@there.test'])
  const others = [await sent(['bob@there.test']), await sent(['bob@there.test'])]
  await arrive(gmail.write('bob@there.test', ''))
  for (const { id } of others) expect(await statesOf(id)).toEqual(['accepted'])
  await arrive(gmail.write('anne@there.test', ''))
  expect(await statesOf(only.id)).toEqual(['bounced'])
  await watcher.stop()
})

test('a report by ENVID, of one whose outcome was unknown', async () => {
  const { arrive, submit, until, senders, statesOf, watcher } = await startWatching()
  senders.server = { message: () => 'lose' }
  const { id } = await submit()
  await until(id, 'unknown')
  const text = reportOf('anne@there.test', '', 'failed', '5.1.1', '550 no')
  await arrive(text.replace('Reporting-MTA', `Original-Envelope-Id: ${id}\nReporting-MTA`))
  expect(await statesOf(id)).toEqual(['bounced'])
  await watcher.stop()
})

const failed = (messageId: string) => reportOf('anne@there.test', messageId, 'failed', '5.1.1', '550 no')

test('a report that a crash came upon is looked at after the next start; what was looked at is not read again', async () => {
  const { deliver, sent, statesOf, begin, cursors, gateway, clock } = await startWatching()
  const { id, message_id } = await sent()
  const reading = Promise.withResolvers<void>()
  gateway.delay = step => {
    if (step !== 'readPiece') return undefined
    reading.resolve()
    return new Promise(() => undefined)
  }
  await deliver(failed(message_id))
  await reading.promise
  // Recreates a crash: the first one never ends, and nothing more of it is stored.
  clock.advance(10_000)
  gateway.delay = () => undefined
  const second = await begin()
  expect(await statesOf(id)).toEqual(['bounced', 'accepted'])
  await second.stop()
  let reads = 0
  gateway.delay = step => {
    reads += step === 'readPiece' ? 1 : 0
  }
  const third = await begin()
  expect([reads, (await cursors.list()).has('a')]).toEqual([0, true])
  await third.stop()
})

test('a mail server that is away is asked again later; what is older than reports can be is not', async () => {
  const { deliver, sent, statesOf, watcher, begin, gateway, clock } = await startWatching()
  const { id, message_id } = await sent()
  const other = await sent()
  await watcher.stop()
  await deliver(failed(other.message_id), { at: new Date(clock.now() - 15 * 86_400_000).toISOString() })
  await deliver(failed(message_id))
  let tries = 0
  gateway.delay = step => {
    if (step === 'readPiece' && tries++ === 0) throw new Error('away')
  }
  const second = await begin()
  expect([tries, await statesOf(id)]).toEqual([1, ['accepted', 'accepted']])
  clock.advance(5 * 60_000)
  await second.idle()
  expect([tries, await statesOf(id)]).toEqual([2, ['bounced', 'accepted']])
  expect(await statesOf(other.id)).toEqual(['accepted', 'accepted'])
  await second.stop()
})

test('a report that comes at the very end of a look is looked at too, in whichever step of it', async () => {
  const heard: { tell(arrival: Arrival, number: number): void } = { tell: () => undefined }
  const looks: string[] = []
  let onLook = (): void => undefined
  const world = await startOutbox()
  const watcher = new BounceWatcher({
    ...world,
    store: Object.assign(Object.create(world.store), {
      hasSentSince: async (accountId: string) => {
        looks.push(accountId)
        onLook()
        return false
      },
    }),
    hub: {
      transact: work => world.hub.transact(work),
      listen: (_type, listener) => {
        heard.tell = listener as typeof heard.tell
        return () => undefined
      },
    },
    cursors: new BounceCursorStore(world.db),
    newestArrivals: async () => [],
    logger: createLogger('silent'),
  })
  await watcher.start()
  const at = new Date().toISOString()
  const from = { email: 'mailer-daemon@there.test', name: null }
  const report = (account_id: string) => {
    const about = { account_id, folder: 'INBOX', uid: 1, uid_validity: 1, ref: 'r', from, subject: 'Undelivered', at }
    heard.tell(about, 1)
  }
  for (let steps = 0; steps < 30; steps++) {
    onLook = () => {
      onLook = () => undefined
      let left = steps
      const step = () => (left-- > 0 ? queueMicrotask(step) : report(`late-${steps}`))
      step()
    }
    report(`first-${steps}`)
    await expect.poll(() => looks.slice(-2), { interval: 1 }).toEqual([`first-${steps}`, `late-${steps}`])
  }
  await watcher.stop()
})
