/** Accounts: tried before they are kept, their passwords sealed, their changes announced. */

import { expect, test } from 'vitest'
import type { AccountChange, AccountInput } from '../../contract/accounts.ts'
import { accountsOn } from '../../test/support/accounts.ts'
import { administrator } from '../../test/support/administrator.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { Principal } from '../platform/principal.ts'

const admin = administrator()
const tried = { verify: true }
const untried = { verify: false }

function input(user = 'ann'): AccountInput {
  const server = { host: 'mail.example.com', tls: 'implicit', user, password: `canary-${user}` } as const
  return { email: `${user}@example.com`, imap: { ...server, port: 993 }, smtp: { ...server, port: 465 }, enabled: true }
}

onEachDatabase(open => {
  test('a refused login keeps nothing, and says which server refused in its own words', async () => {
    const { accounts, facts } = await accountsOn(await open(), part => part === 'smtp')
    await expect(accounts.create(admin, input(), tried)).rejects.toMatchObject({
      code: 'mail_login_refused',
      extension: { part: 'smtp', fault: 'login', server_response: 'NO go away' },
    })
    expect(await accounts.list(admin)).toEqual([])
    expect(facts()).toEqual([])
  })

  test('no password is answered, announced or readable in the database, and each opens for its own login', async () => {
    const db = await open()
    const { accounts, facts } = await accountsOn(db)
    const account = await accounts.create(admin, input(), tried)
    const visible = JSON.stringify([
      account,
      await accounts.list(admin),
      facts(),
      await db.selectFrom('accounts').selectAll().execute(),
    ])
    expect(visible).not.toContain('canary')
    expect(await accounts.login(account.id)).toMatchObject({ user: 'ann', password: 'canary-ann' })
    expect(facts().map(fact => fact.type)).toEqual(['account_added'])
  })

  test('the same login cannot be connected twice', async () => {
    const { accounts } = await accountsOn(await open())
    await accounts.create(admin, input(), tried)
    await expect(accounts.create(admin, input(), tried)).rejects.toMatchObject({ code: 'account_exists' })
  })

  test('at the same time, the same login is connected once, and there is one default', async () => {
    const { accounts } = await accountsOn(await open())
    const same = await Promise.allSettled(Array.from({ length: 6 }, () => accounts.create(admin, input(), untried)))
    const refused = same.flatMap(result => (result.status === 'rejected' ? [result.reason.code] : []))
    expect(refused).toEqual(Array.from({ length: 5 }, () => 'account_exists'))
    await Promise.all(['b', 'c', 'd', 'e'].map(user => accounts.create(admin, input(user), untried)))
    const all = await accounts.list(admin)
    expect(all.filter(account => account.is_default)).toHaveLength(1)
    await Promise.all(all.slice(0, 4).map(account => accounts.delete(admin, account.id)))
    expect((await accounts.list(admin)).map(account => account.is_default)).toEqual([true])
  })

  test('callers that may not see the default account get the oldest of theirs, as if there were no other', async () => {
    const { accounts } = await accountsOn(await open())
    const hidden = await accounts.create(admin, input('a'), untried)
    for (const user of ['b', 'c']) await accounts.create(admin, input(user), untried)
    const [older, newer] = (await accounts.list(admin)).filter(({ id }) => id !== hidden.id)
    const listed = { ...admin, accounts: new Set([older!.id, newer!.id]) }
    const defaults = async () => {
      const all = await accounts.list(listed)
      const each = await Promise.all(all.map(({ id }) => accounts.get(listed, id)))
      expect(each.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
      const found = all.map(({ is_default }) => is_default)
      expect(each.map(({ is_default }) => is_default)).toEqual(found)
      expect((await accounts.findDefault(listed))?.id).toBe(all[found.indexOf(true)]?.id)
      return found
    }
    expect(await defaults()).toEqual([true, false])
    expect((await accounts.update(listed, newer!.id, { name: 'Other' }, untried)).is_default).toBe(false)
    await accounts.update(admin, newer!.id, { is_default: true }, untried)
    expect(await defaults()).toEqual([false, true])
    await accounts.update(admin, hidden.id, { is_default: true }, untried)
    expect(await defaults()).toEqual([true, false])
    expect(await accounts.findDefault({ ...admin, accounts: new Set() })).toBeUndefined()
  })

  test('a change whose trial takes long undoes nothing that happened meanwhile, and brings nothing back', async () => {
    const trial = Promise.withResolvers<void>()
    const { accounts, facts } = await accountsOn(await open(), false, login =>
      login.port === 144 ? trial.promise : undefined,
    )
    const [kept, gone] = [
      await accounts.create(admin, input('a'), untried),
      await accounts.create(admin, input('b'), untried),
    ]
    const slow = [kept, gone].map(({ id }) => accounts.update(admin, id, { imap: { port: 144 } }, tried))
    await accounts.update(admin, kept.id, { name: 'New name', enabled: false }, tried)
    await accounts.delete(admin, gone.id)
    trial.resolve()
    const [first, second] = await Promise.allSettled(slow)
    expect(first).toMatchObject({ value: { name: 'New name', enabled: false, imap: { port: 144 } } })
    expect(second).toMatchObject({ reason: { code: 'account_not_found' } })
    await expect.poll(() => facts().at(-1)).toMatchObject({ type: 'account_updated', data: { account_id: kept.id } })
  })

  test('a password goes to the server for which it was given, also when another change comes first', async () => {
    const trial = Promise.withResolvers<void>()
    const { accounts } = await accountsOn(await open(), false, ({ user }) =>
      user === 'slow' ? trial.promise : undefined,
    )
    const { id } = await accounts.create(admin, input(), untried)
    const elsewhere = { host: 'mail.evil.example', password: 'other' }
    const taken = { code: 'bad_request', extension: { part: 'smtp', errors: [{ path: 'body.smtp.password' }] } }
    // The password belongs to a server that the account had only for a moment.
    await accounts.update(admin, id, { smtp: elsewhere }, untried)
    const moving = accounts.update(admin, id, { smtp: { host: elsewhere.host, user: 'slow' } }, tried)
    await accounts.update(admin, id, { smtp: { host: 'mail.example.com', password: 'canary-ann' } }, untried)
    // For the server that it is now, which is another one when this was tried.
    const giving = accounts.update(admin, id, { smtp: { user: 'slow', password: 'canary-new' } }, tried)
    await accounts.update(admin, id, { smtp: { host: 'localhost', port: 25, tls: 'none', password: 'other' } }, untried)
    const plain = accounts.update(admin, id, { smtp: { user: 'slow', tls: 'none', port: 26, password: 'x' } }, tried)
    const late = accounts.update(admin, id, { smtp: { user: 'slow', port: 27, password: 'canary-new' } }, tried)
    await accounts.update(admin, id, { smtp: { host: 'mail.example.com', tls: 'implicit', password: 'last' } }, untried)
    trial.resolve()
    const outcomes = await Promise.allSettled([moving, giving, plain, late])
    expect(outcomes[0]).toMatchObject({ reason: taken })
    for (const outcome of outcomes.slice(2)) expect(outcome).toMatchObject({ reason: taken })
    // It names the same server that it is again.
    expect(outcomes[1]).toMatchObject({ value: { smtp: { host: 'mail.example.com', user: 'slow', tls: 'implicit' } } })
  })

  test('a change tries only the servers that it concerns, with the password that stays', async () => {
    const { accounts, trials, facts } = await accountsOn(await open())
    const { id } = await accounts.create(admin, input(), untried)
    await accounts.update(admin, id, { name: 'Ann at work' }, tried)
    expect(trials).toEqual([])
    await accounts.update(admin, id, { imap: { port: 143, tls: 'starttls' } }, tried)
    expect(trials).toEqual(['imap ann canary-ann'])
    await accounts.update(admin, id, { smtp: { password: 'new' } }, tried)
    expect(trials).toEqual(['imap ann canary-ann', 'smtp ann new'])
    const changes = facts().flatMap(fact => (fact.type === 'account_updated' ? [fact.data.changed] : []))
    expect(changes).toEqual([['name'], ['imap.port', 'imap.tls'], ['smtp.password']])
  })

  test('a change that the server refuses changes nothing', async () => {
    const { accounts } = await accountsOn(await open(), (_part, login) => login.password === 'wrong')
    const { id } = await accounts.create(admin, input(), tried)
    await expect(accounts.update(admin, id, { imap: { password: 'wrong' } }, tried)).rejects.toMatchObject({
      code: 'mail_login_refused',
    })
    expect((await accounts.login(id)).password).toBe('canary-ann')
  })

  test('a password never goes over a network without TLS', async () => {
    const { accounts, trials } = await accountsOn(await open())
    const open_ = { ...input(), imap: { ...input().imap, tls: 'none' as const } }
    await expect(accounts.create(admin, open_, untried)).rejects.toMatchObject({ code: 'bad_request' })
    const local = { ...open_, imap: { ...open_.imap, host: '127.0.0.1' } }
    const { id } = await accounts.create(admin, local, tried)
    const away = { imap: { host: 'mail.example.com', password: 'canary-ann' } }
    await expect(accounts.update(admin, id, away, untried)).rejects.toThrow(/tls/i)
    expect(trials).toHaveLength(2)
  })

  test('a kept password goes to no other server than the one that it was given for', async () => {
    const { accounts, trials } = await accountsOn(await open())
    const server = { ...input().imap, host: '127.0.0.1' }
    const { id } = await accounts.create(admin, { ...input(), imap: server }, untried)
    const { smtp } = input()
    const moves: AccountChange[] = [
      { imap: { host: 'evil.example.com' } },
      // On this machine, another port is another program's.
      { imap: { port: server.port + 1 } },
      { smtp: { host: 'evil.example.com' } },
    ]
    for (const move of moves) {
      for (const trial of [tried, untried]) {
        const refused = await accounts.update(admin, id, move, trial).catch((error: unknown) => error)
        const [part] = Object.keys(move)
        const errors = [{ path: `body.${part}.password` }]
        expect(refused).toMatchObject({ code: 'bad_request', extension: { part, errors } })
      }
    }
    expect(trials).toEqual([])
    // With a password of its own it moves; naming the same server again moves nothing.
    await accounts.update(admin, id, { imap: { host: 'new.example.com', password: 'new' } }, tried)
    await accounts.update(admin, id, { smtp: { host: smtp!.host, user: 'another' } }, tried)
    expect(trials).toHaveLength(2)
    expect(await accounts.login(id)).toMatchObject({ host: 'new.example.com', password: 'new' })
  })

  test('an account outside the list of a principal does not exist for it', async () => {
    const { accounts } = await accountsOn(await open())
    const ann = await accounts.create(admin, input('ann'), untried)
    const bob = await accounts.create(admin, input('bob'), untried)
    const reader: Principal = { ...admin, accounts: new Set([bob.id]) }
    expect((await accounts.list(reader)).map(account => account.id)).toEqual([bob.id])
    await expect(accounts.get(reader, ann.id)).rejects.toMatchObject({ code: 'account_not_found' })
    await expect(accounts.delete(reader, ann.id)).rejects.toMatchObject({ code: 'account_not_found' })
  })

  test('trying an account tells both servers apart, and asks for a new connection when IMAP answers', async () => {
    const { accounts } = await accountsOn(await open(), part => part === 'smtp')
    const { id } = await accounts.create(admin, input(), untried)
    const asked: string[] = []
    accounts.onReconnect(accountId => asked.push(accountId))
    const result = await accounts.verify(admin, id)
    expect(result.imap).toMatchObject({ ok: true, cause: null })
    expect(result.smtp).toMatchObject({ ok: false, cause: 'login', server_response: 'NO go away' })
    expect(asked).toEqual([id])
  })

  test('a changed state is announced once, with why', async () => {
    const { accounts, health, facts } = await accountsOn(await open())
    const account = await accounts.create(admin, input(), untried)
    expect(account.state).toBe('connecting')
    health.set(account, { state: 'ready' })
    health.set(account, { state: 'ready' })
    const lastError = {
      cause: 'refused',
      detail: 'Nobody there.',
      server_response: null,
      at: new Date().toISOString(),
    } as const
    health.set(account, { state: 'unreachable', lastError })
    expect(await accounts.get(admin, account.id)).toMatchObject({
      state: 'unreachable',
      last_error: { cause: 'refused' },
    })
    const states = () =>
      facts().flatMap(fact =>
        fact.type === 'account_state_changed' ? [`${fact.data.previous} → ${fact.data.state}`] : [],
      )
    await expect.poll(states).toEqual(['connecting → ready', 'ready → unreachable'])
  })
})
