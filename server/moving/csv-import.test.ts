/** Many accounts of a table: a result for each row, a few logins at a time on each server, and never a password in an answer. */
import { expect, test, vi } from 'vitest'
import type { Account, AccountInput } from '../../contract/accounts.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { CsvImport } from './csv-import.ts'

const ann = {} as Principal
const logger = createLogger('silent')
const { signal } = new AbortController()
const header =
  'email,name,imap_host,imap_port,imap_tls,imap_user,imap_password,smtp_host,smtp_port,smtp_tls,smtp_user,smtp_password'

function world(outcome: (input: AccountInput) => Promise<void> | void = () => undefined) {
  const created: AccountInput[] = []
  const checked: AccountInput[] = []
  const accounts = {
    check: async (_principal: Principal, input: AccountInput) => {
      checked.push(input)
      await outcome(input)
      return { kind: 'password' as const }
    },
    create: async (_principal: Principal, input: AccountInput) => {
      await outcome(input)
      created.push(input)
      return { id: input.email.split('@')[0] } as Account
    },
  }
  return { created, checked, accounts, importer: new CsvImport({ accounts, logger }) }
}
const run = (importer: CsvImport, csv: string, more = {}) =>
  importer.run(ann, { csv, dry_run: false, verify: true, ...more }, signal)

test('each row has its own result, with its line and the column that is wrong', async () => {
  const { importer, created } = world(({ imap }) => {
    if (imap.user === 'known') throw new Problem('account_exists', 'known is already connected.')
    if (imap.user === 'wrong') {
      const words = { fault: 'login', part: 'imap', server_response: 'NO wrong' } as const
      throw new Problem('mail_login_refused', 'The mail server rejected the user name or password.', words)
    }
    if (imap.tls === 'none') {
      throw new Problem('bad_request', 'imap.tls: no', { errors: [{ path: 'body.imap.tls', message: 'no' }] })
    }
  })
  const rows = [
    'ann@example.org,"Ann, at work",imap.example.org,,,,"pw ""1"", 2",smtp.example.org,,,,',
    'bob@example.org,,imap.example.org,143,,,pw-2,smtp.example.org,587,,relay,other',
    'cid,,imap.example.org,,,,pw-3,,,,,',
    'dan@example.org,,imap.example.org,99999,,,pw-4,,,,,',
    'eve@example.org,,,,,,pw-5,,,,,',
    'known@example.org,,imap.example.org,,,known,pw-6,,,,,',
    'wrong@example.org,,imap.example.org,,,wrong,pw-7,,,,,',
    'ann2@example.org,,imap.example.org,,,ann@example.org,pw-8,,,,,',
    'fay@example.org,,imap.example.org,,none,,pw-9,,,,,',
    'gus@example.org,,imap.example.org,,,,pw-10,,,,,,x',
    'hal@example.org,,imap.example.org,,tls,,pw-11,,,,,',
  ]
  const results = await run(importer, [header, ...rows].join('\r\n'))
  expect(results.map(({ line, status, field }) => [line, status, field])).toEqual([
    [2, 'created', null],
    [3, 'created', null],
    [4, 'invalid', 'email'],
    [5, 'invalid', 'imap_port'],
    [6, 'invalid', 'imap_host'],
    [7, 'exists', null],
    [8, 'could_not_connect', null],
    [9, 'exists', null],
    [10, 'invalid', 'imap_tls'],
    [11, 'invalid', null],
    [12, 'invalid', 'imap_tls'],
  ])
  expect(results[6]!.why).toContain('The server said: NO wrong')
  expect(JSON.stringify(results)).not.toMatch(/pw[ -]/)
  expect(results[0]!.account_id).toBe('ann')
  expect(created).toEqual([
    {
      ...{ email: 'ann@example.org', name: 'Ann, at work', enabled: true },
      imap: { host: 'imap.example.org', port: 993, tls: 'implicit', user: 'ann@example.org', password: 'pw "1", 2' },
      smtp: { host: 'smtp.example.org', port: 465, tls: 'implicit', user: 'ann@example.org', password: 'pw "1", 2' },
    },
    {
      ...{ email: 'bob@example.org', enabled: true },
      imap: { host: 'imap.example.org', port: 143, tls: 'starttls', user: 'bob@example.org', password: 'pw-2' },
      smtp: { host: 'smtp.example.org', port: 587, tls: 'starttls', user: 'relay', password: 'other' },
    },
  ])
})

test('a dry run keeps nothing; a table that cannot be read is refused as a whole', async () => {
  const { importer, created, checked } = world()
  const csv = `email;imap_host;imap_password\nann@example.org;imap.example.org;pw`
  expect(await run(importer, csv, { dry_run: true })).toMatchObject([{ line: 2, status: 'valid', account_id: null }])
  expect([created.length, checked.length]).toEqual([0, 1])
  const bad = [
    'ann@example.org,imap.example.org,pw',
    'email,imap_host',
    'email,imap_host,imap_password,color\n',
    'email,imap_host,imap_password,email\n',
    `${header}\n"open`,
    `email,imap_host,imap_password\n${'a@b.example,h,p\n'.repeat(1_001)}`,
  ]
  for (const one of bad) {
    await expect(run(importer, one)).rejects.toMatchObject({
      code: 'bad_request',
      extension: { errors: [{ path: 'body.csv' }] },
    })
  }
  const withoutHeader = await run(importer, 'imap.example.org,hunter2-secret,ann').catch(String)
  expect(withoutHeader).toContain('field 1 of its first row')
  expect(withoutHeader).not.toMatch(/hunter2|imap\.example/)
})

test('four logins at a time on a server and sixteen on all, one table at a time, and rows that had no time say so', async () => {
  const [open, most] = [new Map<string, number>(), new Map<string, number>()]
  let [all, mostOfAll] = [0, 0]
  const gate = Promise.withResolvers<void>()
  const { accounts } = world(async ({ imap: { host } }) => {
    open.set(host, (open.get(host) ?? 0) + 1)
    most.set(host, Math.max(most.get(host) ?? 0, open.get(host)!))
    mostOfAll = Math.max(mostOfAll, ++all)
    await gate.promise
    open.set(host, open.get(host)! - 1)
    all--
  })
  const importer = new CsvImport({ accounts, logger, bounds: { perHost: 4, atOnce: 6 } })
  const row = (at: number) => `u${at}@example.org,h${at % 2}.example,pw`
  const csv = ['email,imap_host,imap_password', ...Array.from({ length: 20 }, (_, at) => row(at))].join('\n')
  const over = new AbortController()
  const first = importer.run(ann, { csv, dry_run: true, verify: true }, over.signal)
  await vi.waitFor(() => expect(all).toBe(6))
  await expect(run(importer, csv)).rejects.toMatchObject({ code: 'overloaded' })
  gate.resolve()
  expect((await first).every(({ status }) => status === 'valid')).toBe(true)
  expect([Math.max(...most.values()), mostOfAll]).toEqual([4, 6])
  over.abort()
  const late = await importer.run(ann, { csv, dry_run: false, verify: true }, over.signal)
  expect(new Set(late.map(({ status }) => status))).toEqual(new Set(['not_tried']))
})

test('a row that fails by a bug says so, and neither hides what others came to nor leaves them behind', async () => {
  const gate = Promise.withResolvers<void>()
  const { accounts, created } = world(async ({ email }) => {
    if (email.startsWith('bob')) throw new Error('disk I/O error at pw-bob')
    if (email.startsWith('cid')) await gate.promise
  })
  const error = vi.fn()
  const importer = new CsvImport({ accounts, logger: { error } })
  const row = (name: string) => `${name}@example.org,imap.example.org,pw-${name}`
  const running = run(importer, ['email,imap_host,imap_password', ...['ann', 'bob', 'cid'].map(row)].join('\n'))
  await vi.waitFor(() => expect(error).toHaveBeenCalledOnce())
  await expect(run(importer, 'email,imap_host,imap_password\n')).rejects.toMatchObject({ code: 'overloaded' })
  gate.resolve()
  const results = await running
  expect(results.map(({ status }) => status)).toEqual(['created', 'could_not_connect', 'created'])
  expect(results[1]!.why).toContain('went wrong on this server')
  expect(JSON.stringify(results)).not.toContain('pw-')
  expect(created).toHaveLength(2)
})
