/** A passkey signs in whose it is, once for each challenge, from our own page only; everything else is refused in the same words. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { SoftPasskey } from '../../test/support/soft-passkey.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { PasskeyStore } from '../users/passkey-store.ts'
import { UserStore } from '../users/user-store.ts'
import type { UserRow } from '../users/user-tables.ts'
import { PasskeyService } from './passkey-service.ts'

const minute = 60_000
const origin = 'https://mail.example.com'
const session = 'session-1'

async function setUp(db: Database, at: string = origin) {
  const clock = { now: Date.now() }
  const users = new UserStore(db)
  const store = new PasskeyStore(db)
  const passkeys = new PasskeyService({
    store,
    users,
    origin: () => at,
    now: () => clock.now,
    logger: createLogger('silent'),
  })
  const user = aUser()
  await users.insert(user)
  const add = async (owner: UserRow, passkey: SoftPasskey, lies: Parameters<SoftPasskey['create']>[1] = {}) => {
    const { challenge_id, options } = await passkeys.beginAdding(session, owner, undefined)
    const response = passkey.create(options, lies)
    return passkeys.keep(await passkeys.finishAdding(session, owner, { challenge_id, name: 'Key', response }), db)
  }
  const signIn = async (passkey: SoftPasskey, lies: Parameters<SoftPasskey['get']>[1] = {}) => {
    const { challenge_id, options } = await passkeys.beginSignIn()
    return passkeys.finishSignIn({ challenge_id, response: passkey.get(options, lies) })
  }
  return { passkeys, store, users, clock, user, add, signIn }
}

onEachDatabase(open => {
  test('anyone who has the passkey is known without saying who', async () => {
    const { passkeys, user, users, add, signIn } = await setUp(await open())
    const other = aUser()
    await users.insert(other)
    const [mine, theirs] = [new SoftPasskey(origin), new SoftPasskey(origin)]
    await add(user, mine)
    await add(other, theirs)
    expect(await signIn(mine)).toMatchObject({ id: user.id })
    expect(await signIn(theirs, { isBackedUp: true })).toMatchObject({ id: other.id })
    expect(await passkeys.list(other.id)).toMatchObject([{ id: theirs.id, is_backed_up: true }])
    expect((await passkeys.list(user.id))[0]!.last_used_at).not.toBeNull()
  })

  test('one answer signs in once, also when it comes twice at the same moment', async () => {
    const { passkeys, user, add } = await setUp(await open())
    const passkey = new SoftPasskey(origin)
    await add(user, passkey)
    // Like authenticators without a counter: then only the challenge detects a replay.
    const { challenge_id, options } = await passkeys.beginSignIn()
    const answer = { challenge_id, response: passkey.get(options, { counter: 0 }) }
    const both = await Promise.allSettled([passkeys.finishSignIn(answer), passkeys.finishSignIn(answer)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(passkeys.finishSignIn(answer)).rejects.toMatchObject({ code: 'challenge_invalid' })
    const fresh = await passkeys.beginSignIn()
    const replayed = { ...answer, challenge_id: fresh.challenge_id }
    await expect(passkeys.finishSignIn(replayed)).rejects.toMatchObject({ code: 'sign_in_failed' })
  })

  test('a counter that goes back gives a copied passkey away', async () => {
    const { user, add, signIn } = await setUp(await open())
    const passkey = new SoftPasskey(origin)
    await add(user, passkey)
    await signIn(passkey, { counter: 7 })
    for (const counter of [7, 3, 0]) {
      await expect(signIn(passkey, { counter })).rejects.toMatchObject({ code: 'sign_in_failed' })
    }
    expect(await signIn(passkey, { counter: 8 })).toMatchObject({ id: user.id })
    const both = await Promise.allSettled([signIn(passkey, { counter: 9 }), signIn(passkey, { counter: 9 })])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('twenty passkeys are enough, and one is never added twice', async () => {
    const { user, users, add } = await setUp(await open())
    const passkey = new SoftPasskey(origin)
    await add(user, passkey)
    const other = aUser()
    await users.insert(other)
    await expect(add(other, passkey)).rejects.toMatchObject({ code: 'passkey_refused' })
    for (let count = 1; count < 20; count++) await add(user, new SoftPasskey(origin))
    await expect(add(user, new SoftPasskey(origin))).rejects.toMatchObject({ code: 'passkey_refused' })
  })
})

test('every refusal reads the same: unknown, disabled, another site, no PIN, another owner, not a passkey', async () => {
  const { passkeys, user, users, add, signIn } = await setUp(await memoryDatabase())
  const disabled = aUser()
  await users.insert(disabled)
  const [passkey, ofDisabled] = [new SoftPasskey(origin), new SoftPasskey(origin)]
  await add(user, passkey)
  await add(disabled, ofDisabled)
  await users.update(disabled.id, { disabled: 1 })
  const unknown = new SoftPasskey(origin)
  const impostor = Object.assign(new SoftPasskey(origin), { id: passkey.id })
  const userHandle = Buffer.from(user.id, 'hex').toString('base64url')
  const { challenge_id } = await passkeys.beginSignIn()
  const refusals = [
    signIn(unknown, { userHandle }),
    signIn(ofDisabled),
    signIn(impostor, { userHandle }),
    signIn(passkey, { origin: 'https://mail.example.com.evil.test' }),
    signIn(passkey, { rpId: 'evil.test' }),
    signIn(passkey, { challenge: randomChallenge() }),
    signIn(passkey, { isUnverified: true }),
    signIn(passkey, { userHandle: Buffer.from(disabled.id, 'hex').toString('base64url') }),
    passkeys.finishSignIn({ challenge_id, response: {} }),
    passkeys.finishSignIn({ challenge_id, response: { id: passkey.id, rawId: passkey.id, type: 'public-key' } }),
  ]
  const answers = await Promise.all(refusals.map(refusal => refusal.catch((error: unknown) => error)))
  for (const answer of answers) expect(answer).toMatchObject({ code: 'sign_in_failed', message: expect.any(String) })
  expect(new Set(answers.map(String)).size).toBe(1)
  expect(await signIn(passkey)).toMatchObject({ id: user.id })
})

test('a challenge is good for five minutes, for what it was made for, and only if we made it', async () => {
  const { passkeys, user, clock, add } = await setUp(await memoryDatabase())
  const passkey = new SoftPasskey(origin)
  await add(user, passkey)
  const finish = (challenge_id: string, challenge = challenge_id) =>
    passkeys.finishSignIn({ challenge_id, response: passkey.get({ challenge }) })
  const late = await passkeys.beginSignIn()
  const forAdding = await passkeys.beginAdding(session, user, undefined)
  await expect(finish(forAdding.challenge_id)).rejects.toMatchObject({ code: 'challenge_invalid' })
  for (const made of [randomChallenge(), '', 'a', late.challenge_id.slice(0, 8), `${late.challenge_id}=`]) {
    await expect(finish(made)).rejects.toMatchObject({ code: 'challenge_invalid' })
  }
  clock.now += 5 * minute
  await expect(finish(late.challenge_id)).rejects.toMatchObject({ code: 'challenge_invalid' })
})

test('a passkey is added by the session that began it, from our page, with a PIN or finger, once', async () => {
  const { passkeys, user } = await setUp(await memoryDatabase())
  const passkey = new SoftPasskey(origin)
  const attempt = async (lies: Parameters<SoftPasskey['create']>[1], principalId = session) => {
    const { challenge_id, options } = await passkeys.beginAdding(session, user, origin)
    const given = { challenge_id, name: 'Key', response: passkey.create(options, lies) }
    return { given, row: await passkeys.finishAdding(principalId, user, given) }
  }
  for (const lies of [
    { origin: 'http://mail.example.com' },
    { rpId: 'example.com' },
    { challenge: randomChallenge() },
    { isUnverified: true },
  ]) {
    await expect(attempt(lies)).rejects.toMatchObject({ code: 'passkey_refused' })
  }
  await expect(attempt({}, 'session-2')).rejects.toMatchObject({ code: 'challenge_invalid' })
  const { given } = await attempt({})
  await expect(passkeys.finishAdding(session, user, given)).rejects.toMatchObject({ code: 'challenge_invalid' })
})

test('requesting challenges all day does not evict those of others', async () => {
  const { passkeys, user, add } = await setUp(await memoryDatabase())
  const passkey = new SoftPasskey(origin)
  await add(user, passkey)
  const { challenge_id, options } = await passkeys.beginSignIn()
  for (let count = 0; count < 2_000; count++) await passkeys.beginSignIn()
  expect(await passkeys.finishSignIn({ challenge_id, response: passkey.get(options) })).toMatchObject({ id: user.id })
})

test.each([
  { at: 'https://mail.example.com', host: 'mail.example.com', works: true },
  // A proxy put in its own.
  { at: 'https://mail.example.com', host: '10.0.0.7:8080', works: true },
  { at: 'http://localhost:8080', host: 'localhost:8080', works: true },
  { at: 'http://localhost:8080', host: '127.0.0.1:8080', works: false },
  { at: 'http://mail.lan', host: 'mail.lan', works: false },
  { at: 'https://192.168.1.5', host: '192.168.1.5', works: false },
  { at: 'https://[::1]:8443', host: '[::1]:8443', works: false },
])('at $at, asked for as $host, passkeys work: $works', async ({ at, host, works }) => {
  const { passkeys } = await setUp(await memoryDatabase(), at)
  expect(passkeys.worksAt(host)).toBe(works)
})

test('where passkeys cannot work, one is told what to do', async () => {
  const plain = await setUp(await memoryDatabase(), 'http://mail.lan')
  await expect(plain.passkeys.beginAdding(session, plain.user, 'http://mail.lan')).rejects.toMatchObject({
    code: 'passkeys_need_https',
    message: expect.stringContaining('RUSTYMAIL_PUBLIC_URL'),
  })
  const local = await setUp(await memoryDatabase(), 'http://localhost:8080')
  await expect(local.passkeys.beginAdding(session, local.user, 'http://127.0.0.1:8080')).rejects.toMatchObject({
    code: 'passkeys_need_https',
    message: expect.stringContaining('http://localhost:8080'),
  })
})

/** As long as ours. */
function randomChallenge(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(36))).toString('base64url')
}

test('a user confirms one thing with an own passkey, once, with its user verified', async () => {
  const { passkeys, user, users, add, clock } = await setUp(await memoryDatabase())
  const other = aUser()
  await users.insert(other)
  await expect(passkeys.beginConfirming(user.id, 'one')).rejects.toMatchObject({ code: 'passkey_not_found' })
  const [mine, theirs] = [new SoftPasskey(origin), new SoftPasskey(origin)]
  await add(user, mine)
  await add(other, theirs)
  const confirm = async (
    purpose: string,
    {
      by = mine,
      of = purpose,
      lies = {},
    }: { by?: SoftPasskey; of?: string; lies?: Parameters<SoftPasskey['get']>[1] } = {},
  ) => {
    const { challenge_id, options } = await passkeys.beginConfirming(user.id, of)
    const answer = { challenge_id, response: by.get(options, lies) }
    const code = await passkeys.confirm(user.id, purpose, answer).then(
      () => 'ok',
      (error: { code?: string }) => error.code ?? String(error),
    )
    return { code, answer }
  }
  const { code, answer } = await confirm('one')
  expect(code).toBe('ok')
  await expect(passkeys.confirm(user.id, 'one', answer)).rejects.toMatchObject({ code: 'challenge_invalid' })
  expect((await confirm('one', { of: 'two' })).code).toBe('challenge_invalid')
  expect((await confirm('one', { by: theirs })).code).toBe('passkey_required')
  for (const lies of [{ isUnverified: true }, { origin: 'https://evil.example' }, { challenge: 'x' }, { counter: 1 }]) {
    expect((await confirm('one', { lies })).code, JSON.stringify(lies)).toBe('passkey_required')
  }
  // A sign-in challenge confirms nothing, nor does an expired one.
  const { challenge_id, options } = await passkeys.beginSignIn()
  const signedIn = { challenge_id, response: mine.get(options) }
  await expect(passkeys.confirm(user.id, 'one', signedIn)).rejects.toMatchObject({ code: 'challenge_invalid' })
  const late = await passkeys.beginConfirming(user.id, 'one')
  clock.now += 5 * minute
  const response = mine.get(late.options)
  await expect(passkeys.confirm(user.id, 'one', { challenge_id: late.challenge_id, response })).rejects.toMatchObject({
    code: 'challenge_invalid',
  })
})
