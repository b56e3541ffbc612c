/** A report that arrives is tied to what was sent, and a forged one can do no more than that. */
import { expect, test } from 'vitest'
import { bounceSamples, reportOf } from '../../test/support/bounces.ts'
import { startOutbox } from '../../test/support/outbox-world.ts'
import { createLogger } from '../platform/logger.ts'
import { BounceWatcher } from './bounce-watcher.ts'

async function startWatching() {
  const world = await startOutbox()
  const { store, hub, pool, clock, gateway } = world
  const watcher = new BounceWatcher({ store, hub, pool, clock, logger: createLogger('silent') })
  watcher.start()
  const arrive = async (text: string, account_id = 'a') => {
    const raw = Buffer.from(text.replaceAll('\n', '\r\n'))
    const uid = gateway.deliver({ raw })
    const uid_validity = gateway.getFolder('INBOX').uidValidity
    const from = { email: /^From:.*?([\w.-]+@[\w.-]+)/m.exec(text)![1]!, name: null }
    const subject = /^Subject: (.*)$/m.exec(text)![1]!
    const at = new Date().toISOString()
    const heard = Promise.withResolvers<void>()
    const stop = hub.listen('mail_received', () => heard.resolve())
    hub.publish({ type: 'mail_received', data: { account_id, folder: 'INBOX', uid, uid_validity, from, subject, at } })
    await heard.promise
    stop()
    await watcher.idle()
  }
  const sent = async (to = ['anne@there.test', 'bystander@there.test']) => {
    const row = await world.submit({ to })
    await world.until(row.id, 'sent')
    return row
  }
  const statesOf = async (id: string) => (await world.get(id)).recipients.map(({ state }) => state)
  return { ...world, watcher, arrive, sent, statesOf }
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

test('what names another message, another account or nobody that got it changes nothing', async () => {
  const { arrive, sent, statesOf, watcher } = await startWatching()
  const { id, message_id } = await sent()
  const failed = (email: string, messageId: string) => reportOf(email, messageId, 'failed', '5.1.1', '550 no')
  await arrive(failed('anne@there.test', '<other@here.test>'))
  await arrive(failed('stranger@there.test', message_id))
  await arrive(failed('anne@there.test', message_id), 'b')
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
