/** Folders chosen to be watched: their new mail is indexed long before all folders are compared again. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { startApp } from '../support/people.ts'

test('a folder that is chosen is watched at once, and until it is not chosen any more', async () => {
  const gateway = new MemoryGateway()
  const { people } = await startApp({ environment: { RUSTYMAIL_INDEX: 'headers' }, overrides: { gateway } })
  const tell = <T>(method: string, path: string, body?: unknown) => people.tell<T>(people.admin, method, path, body)
  const imap = { host: '127.0.0.1', port: 143, tls: 'none', user: 'ann', password: 'secret' }
  const made = { email: 'ann@example.org', imap }
  const { id } = await tell<{ id: string }>('POST', api.accounts.createAccount.path, made)
  const account = api.accounts.updateAccount.path.replace('{account_id}', id)
  const choose = (watched_folders: string[]) =>
    tell<{ watched_folders: string[] }>('PATCH', account, { watched_folders })
  const messages = async () => {
    const path = api.mailIndex.getIndex.path.replace('{account_id}', id)
    const { state, messages: count } = await tell<{ state: string; messages: number }>('GET', path)
    return [state, count]
  }
  const watched = () => [...gateway.connections].filter(({ isWatching }) => isWatching).length
  await expect.poll(messages).toEqual(['complete', 0])
  expect(await choose(['inbox', 'Archive', 'Archive', 'Sent'])).toMatchObject({ watched_folders: ['Archive', 'Sent'] })
  await expect.poll(watched).toBe(3)
  gateway.deliver({ subject: 'filed', messageId: '<1@x>' }, 'Archive')
  // All folders are compared once a minute.
  await expect.poll(messages).toEqual(['complete', 1])
  for (const body of [{ watched_folders: ['a', 'b', 'c', 'd', 'e', 'f'] }, { watched_folders: [''] }]) {
    expect((await people.ask(people.admin, 'PATCH', account, body)).status).toBe(400)
  }
  const look = (look_interval_seconds: number) => people.ask(people.admin, 'PATCH', account, { look_interval_seconds })
  expect((await look(15)).status).toBe(200)
  for (const seconds of [14, 3_601, 15.5]) expect((await look(seconds)).status).toBe(400)
  expect(await choose([])).toMatchObject({ watched_folders: [], look_interval_seconds: 15 })
  await expect.poll(watched).toBe(1)
  // Without an index there is nothing to notice.
  await choose(['Archive'])
  await expect.poll(watched).toBe(2)
  await tell('PATCH', account, { index_level: 'off' })
  await expect.poll(watched).toBe(1)
})
