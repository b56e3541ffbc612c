/** What humans decide about failures: only what has failed is tried again, to those without it, and only what is unknown is resolved. */
import { expect, test } from 'vitest'
import { startOutbox, user } from '../../test/support/outbox-world.ts'

test('a retry goes to those that did not get it', async () => {
  const { submit, until, senders, decisions, marks } = await startOutbox()
  const words: Record<string, string> = { 'gone@there.test': '550 5.1.1 no such user' }
  senders.server = { recipient: email => words[email] }
  const { id } = await submit({ to: ['anne@there.test', 'gone@there.test'] })
  expect((await until(id, 'partial')).can).toEqual(['retry'])
  delete words['gone@there.test']
  expect(await decisions.retry(user, id)).toMatchObject({ state: 'queued', error: null, ended_at: null })
  const sent = await until(id, 'sent')
  expect(sent.recipients.map(({ state }) => state)).toEqual(['accepted', 'accepted'])
  expect(senders.taken.map(({ envelope }) => envelope.to)).toEqual([['anne@there.test'], ['gone@there.test']])
  await expect(decisions.retry(user, id)).rejects.toMatchObject({ code: 'not_possible_now' })
  expect(marks).toEqual(['submitted', 'sent', 'sent'])
})

test('what is unknown is sent again, or said to be sent or failed, by a human alone', async () => {
  const { submit, until, senders, decisions, marks, frozen, get } = await startOutbox()
  senders.server = { message: () => 'lose' }
  const rows = [await submit(), await submit(), await submit()]
  for (const { id } of rows) expect((await until(id, 'unknown')).can).toEqual(['retry', 'resolve'])
  const [again, sent, failed] = rows.map(({ id }) => id) as [string, string, string]
  expect(await decisions.resolve(user, sent, 'sent')).toMatchObject({
    state: 'sent',
    recipients: [{ state: 'accepted' }],
  })
  expect((await get(sent)).sent_copy.state).toBe('waiting')
  expect(await decisions.resolve(user, failed, 'failed')).toMatchObject({
    state: 'failed',
    sent_copy: { state: 'none' },
  })
  expect(marks.slice(3)).toEqual(['sent', 'open'])
  await expect(decisions.resolve(user, sent, 'failed')).rejects.toMatchObject({ code: 'not_possible_now' })
  senders.server = {}
  frozen.add('token-agent')
  await expect(decisions.retry(user, again)).rejects.toMatchObject({ code: 'frozen' })
  frozen.clear()
  await decisions.retry(user, again)
  await until(again, 'sent')
  await expect(decisions.resolve({ ...user, accounts: new Set() }, again, 'sent')).rejects.toMatchObject({
    code: 'submission_not_found',
  })
})

test('one whose draft was changed meanwhile is not sent in its old form', async () => {
  const { submit, until, senders, decisions, refuseMarks } = await startOutbox()
  senders.server = { message: () => '554 no' }
  const { id } = await submit()
  await until(id, 'failed')
  refuseMarks()
  await expect(decisions.retry(user, id)).rejects.toMatchObject({ code: 'not_possible_now' })
  expect((await until(id, 'failed')).attempts).toBe(1)
})
