/** The history of an account over two runs of the real program: what each run saw, and nothing of the time between. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { freePort } from '../support/free-port.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'

test('an account that cannot be reached is told with its error over a kill -9, and the time without a server is unknown', async () => {
  const first = await startRustyMail()
  const imap = { host: '127.0.0.1', port: await freePort(), tls: 'none', user: 'ann', password: 'x' }
  const body = { email: 'ann@example.com', imap, enabled: true }
  const { id } = await first.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
  const past = (run: Served) => run.call(api.accounts.listAccountStates, { params: { account_id: id } })
  const states = async (run: Served) => (await past(run)).items.map(({ state }) => state)
  await expect.poll(() => states(first)).toEqual(['unknown', 'unreachable'])
  // The state is known before its fact is committed, and only the fact survives the kill.
  const told = () => first.call(api.events.listFacts, { query: { limit: '10', types: 'account_state_changed' } })
  await expect.poll(async () => (await told()).items.map(({ data }) => data)).toMatchObject([{ state: 'unreachable' }])
  await first.stop('SIGKILL')

  const second = await startHere({ dataDir: first.dataDir })
  const both = ['unknown', 'unreachable', 'unknown', 'connecting', 'unreachable']
  await expect.poll(() => states(second)).toEqual(both)
  const { since, until, items } = await past(second)
  expect(items[0]!.from).toBe(since)
  expect(Date.parse(until) - Date.parse(since)).toBe(24 * 3_600_000)
  expect(items.map(({ from }) => from)).toEqual(items.map(({ from }) => from).toSorted())
  expect(items.map(({ error }) => error?.cause ?? null)).toEqual([null, 'refused', null, null, 'refused'])
  const started = await second.call(api.events.listFacts, { query: { limit: '10', types: 'server_started' } })
  expect(started.items.map(({ data }) => data.at)).toContain(items[3]!.from)
  expect(started.items).toHaveLength(2)
})
