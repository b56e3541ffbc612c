/** Accounts leave one server sealed and come to another one whole, or not at all. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { AccountMover } from '../accounts/account-mover.ts'
import { toLogin } from '../accounts/account-row.ts'
import { AccountStore } from '../accounts/account-store.ts'
import { IdentityStore } from '../drafts/identity-store.ts'
import { movedIdentity } from '../drafts/moved-identity.ts'
import { missingGrants } from '../mail-oauth/missing-grant.ts'
import { OAuthStore } from '../mail-oauth/oauth-store.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { MovingService } from './moving-service.ts'
import { openAccounts, sealAccounts } from './sealed-file.ts'

const cost = { memory_kib: 8_192, passes: 1, parallelism: 1 }
const words = 'nine green doors'
const server = (user: string, host = 'mail.example.org') =>
  ({ host, port: 993, tls: 'implicit', user, password: `pw-${user}` }) as const
const moved = (user: string) => ({
  name: `Mail of ${user}`,
  email: `${user}@example.org`,
  enabled: user !== 'bob',
  imap: server(user),
  smtp: user === 'ann' ? { ...server(user), port: 465 } : null,
  index_level: 'headers' as const,
  watched_folders: ['Archive'],
  look_interval_seconds: 300,
  oauth_provider: null as string | null,
})
const ann = {} as Principal

async function world(db: Database) {
  const { hub } = await startHub(db)
  const secrets = new SecretBox(randomBytes(32))
  const store = new AccountStore(db)
  const identities = new IdentityStore(db)
  const granted = new OAuthStore(db)
  const mover = new AccountMover({ store, hub, secrets, grants: missingGrants({ store: granted, secrets }) })
  const clock = { signedInAt: Date.now() as number | undefined }
  const moving = new MovingService({
    ...{ mover, parts: [movedIdentity(identities)], cost: { cost } },
    signedInAt: async () => clock.signedInAt,
  })
  const added: string[] = []
  hub.listen('account_added', ({ email }) => added.push(email))
  return { db, moving, mover, store, granted, secrets, identities, clock, added }
}

onEachDatabase(open => {
  test('servers, passwords, signatures and settings come over, the default account first; what is there stays', async () => {
    const first = await world(await open())
    for (const user of ['bob', 'ann']) {
      const id = await first.mover.create(moved(user), async () => undefined)
      if (user === 'bob') continue
      await first.identities.save({
        ...{ account_id: id, format: 'markdown', content: '**Ann**', from_name: 'Ann' },
        ...{ aliases: '["a@example.org"]', updated_at: '' },
        ...{ default_from: 'a@example.org', sent_copy: 'never', sent_folder: 'Sent/2026' },
      })
    }
    const file = await first.moving.export(ann, words)
    expect(file.accounts).toBe(2)
    const second = await world(await open())
    const results = await second.moving.import(file, words)
    expect(results.map(({ email, status, why }) => [email, status, why])).toEqual([
      ['bob@example.org', 'created', null],
      ['ann@example.org', 'created', null],
    ])
    const rows = await second.store.list()
    const row = rows.find(({ email }) => email === 'ann@example.org')!
    // Sealed by the key of this server.
    expect(toLogin(row, 'imap', second.secrets)).toEqual(server('ann'))
    expect(toLogin(row, 'smtp', second.secrets)).toEqual({ ...server('ann'), port: 465 })
    expect(row).toMatchObject({ index_level: 'headers', watched_folders: '["Archive"]', look_interval_seconds: 300 })
    expect(rows.map(({ email, is_default, enabled }) => [email, is_default, enabled])).toEqual(
      expect.arrayContaining([
        ['bob@example.org', 1, 0],
        ['ann@example.org', 0, 1],
      ]),
    )
    expect(await second.identities.find(row.id)).toMatchObject({
      ...{ content: '**Ann**', aliases: '[{"email":"a@example.org","name":null}]' },
      ...{ default_from: 'a@example.org', sent_copy: 'never', sent_folder: 'Sent/2026' },
    })
    await expect.poll(() => second.added).toEqual(['bob@example.org', 'ann@example.org'])
    const again = await second.moving.import(file, words)
    expect(again.map(({ status }) => status)).toEqual(['exists', 'exists'])
    expect(await second.store.list()).toHaveLength(2)
  })

  test('one that signs in by OAuth2 comes over without secrets, and says that somebody has to sign in for it again', async () => {
    const first = await world(await open())
    const account = { ...moved('ann'), oauth_provider: 'google' }
    const id = await first.mover.create(account, async () => undefined)
    const rowBefore = (await first.store.find(id))!
    // Access granted to this server stays here.
    const [access, refresh] = ['ya29.access', '1//refresh'].map(token => first.secrets.seal(token, 'any'))
    await first.granted.delete(first.db, rowBefore.grant_id!)
    await first.granted.insert({
      ...{ id: rowBefore.grant_id!, provider: 'google', account_id: id, use_for: 'send', scopes: 'mail', subject: 's' },
      ...{ made_by: 'u', granted_by: 'Ada', granted_at: '2026-11-29', refreshed_at: '2026-11-29', refresh_at: null },
      ...{ access_sealed: access!, refresh_sealed: refresh!, access_expires_at: null, is_used: 1, state: 'active' },
      ...{ failure: null, locked_by: null, locked_until: null },
    })
    const file = await first.moving.export(ann, words)
    const [inside] = (await openAccounts(file, words)) as { imap: object; smtp: object; oauth_provider: string }[]
    expect(inside).toMatchObject({ oauth_provider: 'google', imap: { user: 'ann' }, smtp: { port: 465 } })
    expect(JSON.stringify(inside)).not.toMatch(/password|ya29|refresh|grant/)
    const second = await world(await open())
    const [result] = await second.moving.import(file, words)
    expect(result).toMatchObject({ status: 'created', needs_sign_in: true, why: null })
    const row = (await second.store.find(result!.account_id!))!
    expect(row).toMatchObject({ oauth_provider: 'google', enabled: 1, smtp_port: 465, look_interval_seconds: 300 })
    expect([toLogin(row, 'imap', second.secrets), toLogin(row, 'smtp', second.secrets)]).toMatchObject([
      { password: '' },
      { password: '' },
    ])
    const grant = await second.granted.find(row.grant_id!)
    expect(grant).toMatchObject({ provider: 'google', account_id: row.id, use_for: 'send', state: 'revoked' })
    expect(grant).toMatchObject({ refresh_sealed: null, failure: expect.stringContaining('another server') })
    expect((await second.moving.import(file, words))[0]).toMatchObject({ status: 'exists', needs_sign_in: false })
    // Without password and provider it could never log in; with a provider, a password is not kept.
    const { password: _none, ...bare } = server('fay')
    const odd = await sealAccounts(
      [
        { ...moved('fay'), imap: bare },
        { ...moved('gil'), oauth_provider: 'microsoft' },
      ],
      words,
      { cost },
    )
    const [fay, gil] = await second.moving.import(odd, words)
    expect(fay).toMatchObject({ status: 'invalid', why: expect.stringContaining('imap.password') })
    expect(gil).toMatchObject({ status: 'created', needs_sign_in: true })
    expect(toLogin((await second.store.find(gil!.account_id!))!, 'imap', second.secrets)?.password).toBe('')
  })

  test('one that is invalid says why and costs no other one, and nothing of it is kept', async () => {
    const { moving, store, added } = await world(await open())
    const file = await sealAccounts(
      [
        { ...moved('ann'), parts: { identity: { content: 'x', aliases: ['nonsense'] } } },
        { ...moved('cid'), imap: { ...server('cid'), tls: 'none' } },
        { email: 'dan@example.org' },
        'nothing',
        // PostgreSQL would refuse these, and with them all that follow.
        { ...moved('fay'), watched_folders: ['Old\0'] },
        { ...moved('gil'), parts: { identity: { content: 'Gil\0' } } },
        // Fields of another program or a later version.
        { ...moved('eve'), color: 'red', parts: { other: { secret: 1 } } },
      ],
      words,
      { cost },
    )
    const results = await moving.import(file, words)
    expect(results.map(({ email, status }) => [email, status])).toEqual([
      ['ann@example.org', 'invalid'],
      ['cid@example.org', 'invalid'],
      ['dan@example.org', 'invalid'],
      [null, 'invalid'],
      ['fay@example.org', 'invalid'],
      ['gil@example.org', 'invalid'],
      ['eve@example.org', 'created'],
    ])
    expect(results[0]!.why).toContain('aliases')
    expect(results[1]!.why).toContain('TLS')
    expect(results[2]!.why).toContain('name')
    expect(results[4]!.why).toBe('watched_folders.0: must not contain NUL')
    expect(results[5]!.why).toBe('identity.content: must not contain NUL')
    expect((await store.list()).map(({ email }) => email)).toEqual(['eve@example.org'])
    await expect.poll(() => added).toEqual(['eve@example.org'])
  })
})

test('a file with all passwords needs a sign-in of the last ten minutes, and one is made at a time', async () => {
  const { db } = await startHub()
  const { moving, clock } = await world(db)
  for (const at of [undefined, Date.now() - 11 * 60_000]) {
    clock.signedInAt = at
    await expect(moving.export(ann, words)).rejects.toMatchObject({ code: 'recent_sign_in_required' })
  }
  clock.signedInAt = Date.now()
  const [one, other] = await Promise.allSettled([moving.export(ann, words), moving.export(ann, words)])
  expect([one.status, other.status]).toEqual(['fulfilled', 'rejected'])
  expect(other).toMatchObject({ reason: { code: 'overloaded' } })
  expect((await moving.export(ann, words)).accounts).toBe(0)
})
