/** Levels, traffic, contacts and progress of an account: for callers with the scope and the account only. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { openStream } from '../support/open-stream.ts'
import { type Proof, startApp } from '../support/people.ts'

const fill = (path: string, id: string) => path.replace('{account_id}', id)

test('a token gets what its scopes and its accounts are for', async () => {
  const gateway = new MemoryGateway()
  gateway.deliver({ subject: 'tea', from: [{ name: 'Bob Brown', email: 'bob@example.com' }], messageId: '<1@x>' })
  const { people } = await startApp({ environment: { RUSTYMAIL_INDEX: 'headers' }, overrides: { gateway } })
  const connect = async (user: string) => {
    const imap = { host: '127.0.0.1', port: 143, tls: 'none', user, password: 'secret' }
    const { id } = await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, {
      email: `${user}@example.org`,
      imap,
    })
    return id
  }
  const [own, other] = [await connect('ann'), await connect('eve')]
  const contacts = (id: string, query = '') => fill(api.mailIndex.listContacts.path, id) + query
  const usage = (id: string) => fill(api.accountUsage.getUsage.path, id)
  const account = (id: string) => fill(api.accounts.updateAccount.path, id)
  const statuses = async (proof: Proof) => {
    const asked = async (id: string) => [
      (await people.ask(proof, 'GET', contacts(id))).status,
      (await people.ask(proof, 'GET', usage(id))).status,
      (await people.ask(proof, 'PATCH', account(id), { index_level: 'headers' })).status,
    ]
    return [await asked(own), await asked(other)]
  }
  const reader = await people.token(['mail:meta'], [own])
  const viewer = await people.token(['dashboard:read'], [own])
  const admin = await people.token(['dashboard:read', 'dashboard:admin'], [own])
  expect(await statuses(people.admin)).toEqual([
    [200, 200, 200],
    [200, 200, 200],
  ])
  expect(await statuses(reader.proof)).toEqual([
    [200, 403, 403],
    [404, 403, 403],
  ])
  expect(await statuses(viewer.proof)).toEqual([
    [403, 200, 403],
    [403, 404, 403],
  ])
  expect(await statuses(admin.proof)).toEqual([
    [403, 200, 200],
    [403, 404, 404],
  ])

  const found = (query: string) =>
    people.tell<{ items: object[] }>(reader.proof, 'GET', contacts(own, query)).then(({ items }) => items)
  await expect
    .poll(() => found('?q=bro'))
    .toMatchObject([{ email: 'bob@example.com', name: 'Bob Brown', wrote: 1, written_to: 0, last_written_to_at: null }])
  expect(await found('?q=eve')).toEqual([])
  for (const query of ['?limit=51', `?q=${'x'.repeat(101)}`, '?folder=INBOX']) {
    expect([query, (await people.ask(reader.proof, 'GET', contacts(own, query))).status]).toEqual([query, 400])
  }
  const bad = [{ index_level: 'all' }, { index_level: '' }, { index_level: 1 }]
  for (const body of bad) expect((await people.ask(people.admin, 'PATCH', account(own), body)).status).toBe(400)

  // A rebuild: each caller sees the progress of the accounts that it may see.
  const streams = await Promise.all(
    [reader, viewer].map(({ proof }) => openStream(`${people.url}/api/dashboard/events`, { ...proof })),
  )
  const whole = await openStream(`${people.url}/api/dashboard/events`, { ...people.admin })
  await Promise.all([...streams, whole].map(stream => stream.next('welcome')))
  for (const id of [own, other]) await people.tell(people.admin, 'POST', fill(api.mailIndex.rebuildIndex.path, id))
  const ended = (stream: typeof whole) =>
    stream.events
      .filter(({ event, data }) => event === 'sync_progress' && (data as { phase: string }).phase === 'done')
      .map(({ data }) => (data as { account_id: string }).account_id)
      .toSorted()
  await expect.poll(() => ended(whole)).toEqual([own, other].toSorted())
  await expect.poll(() => ended(streams[0]!)).toEqual([own])
  expect(ended(streams[1]!)).toEqual([])
  for (const stream of [...streams, whole]) stream.close()
})
