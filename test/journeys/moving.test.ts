/**
 * Accounts are moved from one server to another, through the page and through commands; a table imports many at once.
 */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { AccountsFile, ImportedAccount, ImportedRow } from '../../contract/account-moving.ts'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type People, startApp } from '../support/people.ts'
import { runCommandHere } from '../support/run-command.ts'
import { tempDir } from '../support/temp-dir.ts'

const paths = {
  create: api.accounts.createAccount.path,
  export: api.accountMoving.exportAccounts.path,
  import: api.accountMoving.importAccounts.path,
  csv: api.accountMoving.importCsv.path,
}
const passphrase = 'nine green doors'
const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', password: 'secret' }

async function start() {
  const gateway = new MemoryGateway()
  const { people } = await startApp({ overrides: { gateway } })
  const accounts = async () => (await people.tell<{ items: Account[] }>(people.admin, 'GET', paths.create)).items
  const connect = (user: string) =>
    people.tell<Account>(people.admin, 'POST', paths.create, { email: `${user}@example.org`, imap: { ...imap, user } })
  const trail = async () => (await people.ask(people.admin, 'GET', `${api.audit.listAudit.path}?limit=20`)).text
  return { people, gateway, accounts, connect, trail }
}
const importInto = (people: People, file: AccountsFile, words = passphrase) =>
  people.ask(people.admin, 'POST', paths.import, { file, passphrase: words })

test('accounts move with passwords, signatures and settings; only signed-in administrators may, and the trail says so', async () => {
  const old = await start()
  const { id } = await old.connect('ann')
  await old.people.tell(old.people.admin, 'PATCH', `${paths.create}/${id}`, {
    look_interval_seconds: 300,
    watched_folders: ['Sent'],
  })
  await old.people.tell(old.people.admin, 'PUT', api.drafts.setSignature.path.replace('{account_id}', id), {
    content: 'Ann Berg',
  })
  const token = await old.people.token(['dashboard:admin'])
  for (const [path, body] of [
    [paths.export, { passphrase }],
    [paths.csv, { csv: 'email' }],
  ] as const) {
    const refused = await old.people.ask(token.proof, 'POST', path, body)
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([403, 'session_needed'])
  }
  expect((await old.people.ask(old.people.admin, 'POST', paths.export, { passphrase: 'too short' })).status).toBe(400)
  const file = await old.people.tell<AccountsFile>(old.people.admin, 'POST', paths.export, { passphrase })
  expect(JSON.stringify(file)).not.toMatch(/ann@|secret|Berg/)
  const next = await start()
  const wrong = await importInto(next.people, file, 'nine red doors!')
  expect([wrong.status, JSON.parse(wrong.text).errors[0].path]).toEqual([400, 'body.passphrase'])
  const damaged = await importInto(next.people, { ...file, sealed: `AAAA${file.sealed.slice(4)}` })
  expect([damaged.status, JSON.parse(damaged.text).errors[0].path]).toEqual([400, 'body.file'])
  expect(await next.accounts()).toEqual([])
  const { items } = JSON.parse((await importInto(next.people, file)).text) as { items: ImportedAccount[] }
  expect(items).toMatchObject([{ email: 'ann@example.org', status: 'created', why: null }])
  // It connects automatically, with its password.
  await expect.poll(async () => (await next.accounts())[0]?.state).toBe('ready')
  const [moved] = await next.accounts()
  expect(moved).toMatchObject({ is_default: true, look_interval_seconds: 300, watched_folders: ['Sent'] })
  const signature = api.drafts.getSignature.path.replace('{account_id}', moved!.id)
  expect(await next.people.tell(next.people.admin, 'GET', signature)).toMatchObject({ content: 'Ann Berg' })
  expect(JSON.parse((await importInto(next.people, file)).text).items).toMatchObject([{ status: 'exists' }])
  expect(await old.trail()).toContain('accountMoving.exportAccounts')
  const told = await next.trail()
  expect(told).toContain('accountMoving.importAccounts')
  expect(told).not.toContain(passphrase)
})

test('a table creates many accounts, whose servers are tested, with a result for each row', async () => {
  const { people, accounts, trail } = await start()
  const csv = [
    'email;imap_host;imap_password;imap_port',
    'ann@example.org;mail.example.org;secret;993',
    'bob@example.org;mail.example.org;wrong-word-4711;993',
    'cid@example.org;mail.example.org;secret;0',
  ].join('\r\n')
  const run = async (more: object) =>
    (await people.tell<{ items: ImportedRow[] }>(people.admin, 'POST', paths.csv, { csv, ...more })).items
  expect((await run({ dry_run: true })).map(({ status }) => status)).toEqual(['valid', 'could_not_connect', 'invalid'])
  expect(await accounts()).toEqual([])
  const rows = await run({})
  expect(rows.map(({ line, status, field }) => [line, status, field])).toEqual([
    [2, 'created', null],
    [3, 'could_not_connect', null],
    [4, 'invalid', 'imap_port'],
  ])
  expect(JSON.stringify(rows)).not.toContain('4711')
  expect(await trail()).not.toContain('4711')
  expect((await accounts()).map(({ email }) => email)).toEqual(['ann@example.org'])
  expect((await run({})).map(({ status }) => status)).toEqual(['exists', 'could_not_connect', 'invalid'])
})

test('the same by commands, while no server runs', async () => {
  const dir = tempDir('moving')
  onTestFinished(() => dir.remove())
  const { people } = await start()
  await people.tell(people.admin, 'POST', `${paths.create}?verify=false`, {
    email: 'ann@example.org',
    imap: { ...imap, user: 'ann' },
    enabled: false,
  })
  const file = join(dir.path, 'in.json')
  writeFileSync(file, JSON.stringify(await people.tell(people.admin, 'POST', paths.export, { passphrase })))
  const out = join(dir.path, 'out.json')
  const run = (words: string[], input = `${passphrase}\n`) =>
    runCommandHere(['accounts', ...words], { dataDir: join(dir.path, 'data'), input })
  const imported = await run(['import', file])
  expect([imported.code, imported.stdout]).toEqual([0, '1 account created.\nann@example.org: created\n'])
  expect((await run(['import', file])).stdout).toContain('is already connected')
  expect(await run(['export', out], 'short\n')).toMatchObject({ code: 1, stderr: expect.stringContaining('12') })
  expect(await run(['export', out])).toMatchObject({ code: 0, stdout: expect.stringContaining('holds 1 account') })
  expect(JSON.parse(readFileSync(out, 'utf8'))).toMatchObject({ format: 'rustymail-accounts', accounts: 1 })
  expect((await run(['export', out])).stderr).toContain('--force')
  chmodSync(out, 0o644)
  expect((await run(['export', out, '--force'])).code).toBe(0)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  expect((await run(['import', out], 'nine red doors!\n')).stderr).toContain('passphrase')
  writeFileSync(out, '{"format": "rusty')
  expect((await run(['import', out])).stderr).toContain('not a file of accounts')
})
