/**
 * The sandbox over restarts of the real program: its account persists, its mail is new, and it never poses as a real
 * one.
 */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Account, accountsApi } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { People } from '../support/people.ts'
import { runCommandHere } from '../support/run-command.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const listed = (run: Served) => run.call(api.accounts.listAccounts).then(({ items }) => items)
const listedTo = async (people: People, proof: Record<string, string>) => {
  const answer = await people.tell(proof, 'GET', api.accounts.listAccounts.path)
  return accountsApi.listAccounts.response.parse(answer).items.map(({ id }) => id)
}
const ready = async (run: Served): Promise<Account> => {
  await expect.poll(async () => (await listed(run)).find(account => account.is_sandbox)?.state).toBe('ready')
  return (await listed(run)).find(account => account.is_sandbox)!
}

function newDataDir(): string {
  const dir = tempDir('sandbox')
  onTestFinished(() => dir.remove())
  return join(dir.path, 'data')
}

test('over restarts its account keeps its id, what it is to others and who may see it; without the sandbox it says so', async () => {
  const dataDir = newDataDir()
  const first = await startHere({ dataDir, args: ['--demo'] })
  const sandbox = await ready(first)
  const people = new People(first.url, await enter(first.url))
  const viewer = await people.invite('viewer', [sandbox.id])
  const token = await people.token(['mail:read', 'dashboard:read'], [sandbox.id])
  await first.call(api.accounts.updateAccount, { params: { account_id: sandbox.id }, body: { name: 'Play' } })
  const other = {
    email: 'ann@example.com',
    imap: { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'x' },
  }
  await first.call(api.accounts.createAccount, { query: { verify: 'false' }, body: other })
  const inbox = { params: { account_id: sandbox.id }, query: { folder: 'INBOX' } }
  const [message] = (await first.call(api.mail.listMessages, inbox)).items
  await first.stop()

  // Started without it: kept, marked as what it is, not connected, and not in the way.
  const without = await startHere({ dataDir })
  const parked = (await listed(without)).find(({ id }) => id === sandbox.id)
  expect(parked).toMatchObject({ is_sandbox: true, is_default: true, name: 'Play', enabled: false, state: 'disabled' })
  expect(parked).toMatchObject({ last_error: null, next_retry_at: null })
  expect(await without.call(api.system.ready)).toMatchObject({ parts: { accounts: { total: 1 } } })
  const codeOf = async (method: string, path: string, body?: unknown) =>
    ((await (await without.send(method, path, body)).json()) as { code: string }).code
  const at = `${api.accounts.listAccounts.path}/${sandbox.id}`
  expect(await codeOf('POST', `${at}/verify`)).toBe('account_disabled')
  expect(await codeOf('PATCH', at, { enabled: true })).toBe('account_disabled')
  expect(await codeOf('GET', `/api/v1/accounts/${sandbox.id}/folders`)).toBe('account_disabled')
  const seen = new People(without.url, await enter(without.url))
  expect(await listedTo(seen, viewer.proof)).toEqual([sandbox.id])

  // Started by its button, while the server runs.
  const started = await without.call(api.accounts.startSandbox)
  expect(started).toMatchObject({ id: sandbox.id, name: 'Play', is_default: true, enabled: true })
  await ready(without)
  expect(await codeOf('POST', api.accounts.startSandbox.path)).toBe('sandbox_running')
  expect(await codeOf('PATCH', at, { imap: { host: 'mail.example.com', password: 'x' } })).toBe('bad_request')
  // The mail is new, so refs of earlier messages are invalid.
  expect(await codeOf('GET', `/api/v1/accounts/${sandbox.id}/messages/${message!.ref}`)).toBe('stale_ref')
  await without.stop()

  const again = await startHere({ dataDir, args: ['--demo'] })
  expect(await ready(again)).toMatchObject({ id: sandbox.id, name: 'Play', is_default: true })
  const now = new People(again.url, await enter(again.url))
  expect(await listedTo(now, viewer.proof)).toEqual([sandbox.id])
  expect(await listedTo(now, token.proof)).toEqual([sandbox.id])
  // The command judges its address, and those of other accounts, as the running server does.
  const diagnosed = await runCommandHere(['diagnose', sandbox.email], { dataDir })
  expect(diagnosed.stdout).toMatch(/ok +imap login .*The login succeeded/)
  expect(diagnosed.stdout).not.toContain('not allowed')
  const refused = await runCommandHere(['diagnose', 'ann@example.com'], { dataDir })
  expect(refused.stdout).toContain('127.0.0.1, on a private network, not allowed')

  // Deleted and started again it is another account, invisible to callers that saw the old one.
  await again.call(api.accounts.deleteAccount, { params: { account_id: sandbox.id } })
  const fresh = await again.call(api.accounts.startSandbox)
  expect(fresh.id).not.toBe(sandbox.id)
  expect(fresh).toMatchObject({ name: 'Sandbox', is_default: false })
  expect(await listedTo(now, viewer.proof)).toEqual([])
})

test('one that was disabled stays so over a restart, until its button enables it', async () => {
  const dataDir = newDataDir()
  const first = await startRustyMail({ dataDir, args: ['--demo'] })
  const { id } = await ready(first)
  await first.call(api.accounts.updateAccount, { params: { account_id: id }, body: { enabled: false } })
  await first.stop('SIGKILL')
  const again = await startHere({ dataDir, args: ['--demo'] })
  expect(await listed(again)).toMatchObject([{ id, enabled: false, state: 'disabled' }])
  await again.call(api.accounts.updateAccount, { params: { account_id: id }, body: { enabled: true } })
  expect(await ready(again)).toMatchObject({ id })
})
