/** What an attempt leaves of a message of which only some recipients were refused. */
import { expect, test } from 'vitest'
import { agent, startOutbox } from '../../test/support/outbox-world.ts'

const answers: Record<string, string> = { 'gone@there.test': '550 5.1.1 no such user', 'full@there.test': '452 full' }

test('of recipients that are all refused, those refused for now are tried again alone', async () => {
  const { submit, until, senders, clock } = await startOutbox()
  senders.server = { recipient: email => answers[email] }
  const { id } = await submit({ to: ['gone@there.test', 'full@there.test'] })
  const waiting = await until(id, 'queued', 1)
  expect(waiting.recipients.map(({ state, response }) => [state, response])).toEqual([
    ['refused', '550 5.1.1 no such user'],
    ['waiting', '452 full'],
  ])
  expect(waiting.error).toMatchObject({ code: 'refused', server_response: '452 full' })
  senders.server = {}
  await expect.poll(() => clock.pending.length).toBeGreaterThan(0)
  clock.advance(60_000)
  expect((await until(id, 'partial')).recipients.map(({ state }) => state)).toEqual(['refused', 'accepted'])
  expect(senders.taken.map(({ envelope }) => envelope.to)).toEqual([['full@there.test']])
})

test('a message that some recipients have already is cancelled for the others only, and its draft stays sent', async () => {
  const { submit, until, senders, outbox, marks } = await startOutbox()
  senders.server = { recipient: email => answers[email] }
  const { id } = await submit({ to: ['anne@there.test', 'full@there.test'] })
  await until(id, 'queued', 1)
  const { state, recipients } = await outbox.cancel(agent, id)
  expect([state, recipients.map(recipient => recipient.state)]).toEqual(['partial', ['accepted', 'refused']])
  expect(marks.at(-1)).toBe('sent')
})
