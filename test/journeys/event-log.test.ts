/**
 * The event log survives kill -9: what was acknowledged is in it, and a client that resumes gets each fact once and in
 * order.
 */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { openStream } from '../support/open-stream.ts'
import { apiKey, type Served, startHere, startRustyMail } from '../support/rustymail.ts'

const authorization = `Bearer ${apiKey}`

test('killed in the middle of many facts, it has every one that was answered, and a client that comes back misses none', async () => {
  // Far above the default limit.
  const environment = { RUSTYMAIL_RATE_LIMIT: '100000000' }
  const first = await startRustyMail({ environment })
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  const { id } = await first.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
  const stream = await openStream(`${first.url}/api/dashboard/events?types=account_updated`, { authorization })
  await stream.next('welcome')

  const answered = new Set<string>()
  let next = 0
  const rename = async (run: Served) => {
    for (;;) {
      const name = `name ${next++}`
      const params = { account_id: id }
      await run.call(api.accounts.updateAccount, { params, body: { name } })
      answered.add(name)
    }
  }
  // Each ends with its connection.
  const writers = Promise.allSettled(Array.from({ length: 16 }, () => rename(first)))
  await expect.poll(() => answered.size).toBeGreaterThan(1_000)
  const seenLive = stream.events.filter(event => event.id !== undefined)
  await first.stop('SIGKILL')
  await writers

  const second = await startHere({ dataDir: first.dataDir })
  const { items } = await second.call(api.events.listFacts, { query: { limit: '100' } })
  expect(items.filter(item => item.type === 'account_updated').length).toBeGreaterThan(90)
  // The client had received some, and resumes from one in the middle.
  const last = seenLive[Math.floor(seenLive.length / 2)]!
  const resumed = await openStream(`${second.url}/api/dashboard/events`, {
    authorization,
    'last-event-id': last.id!,
  })
  expect((await resumed.next('welcome')).data).toMatchObject({ resumed: true })
  await second.call(api.accounts.updateAccount, { params: { account_id: id }, body: { name: 'the last' } })
  const names = () =>
    resumed.events
      .filter(event => event.event === 'account_updated')
      .map(event => (event.data as { name: string }).name)
  await expect.poll(() => names().at(-1)).toBe('the last')

  const numbers = resumed.events.filter(event => event.id !== undefined).map(event => Number(event.id!.split('-')[1]))
  const firstNumber = Number(last.id!.split('-')[1]) + 1
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => firstNumber + index))
  const before = seenLive.slice(0, seenLive.indexOf(last) + 1).map(event => (event.data as { name: string }).name)
  const heard = new Set([...before, ...names()])
  expect([...answered].filter(name => !heard.has(name))).toEqual([])
})
