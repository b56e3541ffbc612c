/** The password lets a user in, a second factor is required where there is one, and a refusal tells nothing. */
import { expect, test, vi } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { cheapHasher, passwordMemory } from '../../test/support/passwords.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { PasswordHasher, type PasswordHasherOptions } from '../users/password-hasher.ts'
import { UserStore } from '../users/user-store.ts'
import type { UserRow } from '../users/user-tables.ts'
import { SessionService } from './session-service.ts'
import { SessionStore } from './session-store.ts'
import { SignInService } from './sign-in-service.ts'
import { SignInThrottle } from './sign-in-throttle.ts'

const password = 'a quiet place for letters'
/** KiB as on a server: hashing takes long enough for concurrent calls to arrive. */
const costly = 47_104
const from = { address: '192.0.2.1', userAgent: 'Browser/1.0' }
const elsewhere = (number: number) => ({ ...from, address: `198.51.100.${number}` })

/** Records what each password was compared with, and does it. */
class WatchedHasher extends PasswordHasher {
  readonly compared: unknown[] = []

  override verify(given: string, kept: string | null | undefined, rank?: number): Promise<boolean> {
    this.compared.push(kept)
    return super.verify(given, kept, rank)
  }
}

async function setUp(room: PasswordHasherOptions = {}) {
  const db = await memoryDatabase()
  const clock = { now: Date.parse('2026-11-22T12:00:00Z') }
  const now = () => clock.now
  const logger = createLogger('silent')
  const users = new UserStore(db)
  const hasher = new WatchedHasher({ memory: passwordMemory, ...room })
  const listener = { changed: () => undefined, revoked: () => undefined }
  const sessions = new SessionService({ store: new SessionStore(db), users, now, logger, listener })
  const codes = new Set<string>()
  const signIn = new SignInService({
    users,
    sessions,
    hasher,
    throttle: new SignInThrottle({ now }),
    factors: { isNeeded: user => user.totp_sealed !== null, verify: async (_user, code) => codes.delete(code) },
    now,
    logger,
  })
  const add = async (email: string, change: Partial<UserRow> = {}) => {
    const user = aUser({ email, password_hash: await hasher.hash(password), ...change })
    await users.insert(user)
    return user
  }
  const challengeOf = async (email: string, whence = from) => {
    const answer = await signIn.withPassword(email, password, whence)
    if (answer.status !== 'second_factor') throw new Error('no second factor was asked for')
    return answer.challenge
  }
  return { signIn, sessions, users, hasher, codes, clock, add, challengeOf }
}

const problemOf = async (work: Promise<unknown>): Promise<Problem> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Problem)) throw new Error(`no problem but ${String(error)}`)
  return error
}

test('the right password opens a session, and the trail hears whose', async () => {
  const { signIn, sessions, add } = await setUp()
  const ann = await add('ann@example.com')
  const tried: string[] = []
  const answer = await signIn.withPassword('ann@example.com', password, from, id => tried.push(id))
  expect(answer).toMatchObject({ status: 'signed_in', principal: { userId: ann.id, kind: 'session' } })
  expect(tried).toEqual([ann.id])
  expect(await sessions.list()).toMatchObject([{ user_id: ann.id, method: 'password', ip_address: '192.0.2.1' }])
})

test('a wrong password, an unknown email, and disabled, invited and provider users get the same answer after the same work', async () => {
  const { signIn, hasher, add } = await setUp()
  const ann = await add('ann@example.com')
  await add('disabled@example.com', { disabled: 1 })
  await add('invited@example.com', { password_hash: null })
  await add('provider@example.com', { password_hash: null, oidc_issuer: 'https://id.example', oidc_subject: '1' })
  const cases = [
    ['ann@example.com', 'a wrong password'],
    ['nobody@example.com', password],
    ['disabled@example.com', password],
    ['invited@example.com', password],
    ['provider@example.com', password],
  ] as const
  const answers = []
  for (const [index, [email, given]] of cases.entries()) {
    const { code, message, extension } = await problemOf(signIn.withPassword(email, given, elsewhere(index)))
    answers.push({ code, message, extension })
  }
  expect(answers[0]!.code).toBe('sign_in_failed')
  expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
  // One comparison each, by the same hasher: with the stored hash, or with a decoy.
  expect(hasher.compared.map(kept => kept ?? 'nobody')).toEqual([
    ann.password_hash,
    'nobody',
    'nobody',
    'nobody',
    'nobody',
  ])
})

test('guessing is delayed in the same way for unknown and known emails, without comparing passwords', async () => {
  const { signIn, hasher, add } = await setUp()
  await add('ann@example.com')
  const guesses = async (email: string, address: string) => {
    const answers = []
    for (let count = 0; count < 6; count++) {
      const { code, extension } = await problemOf(signIn.withPassword(email, 'wrong', { ...from, address }))
      answers.push([code, extension.retryAfterSeconds])
    }
    return answers
  }
  const known = await guesses('ann@example.com', '192.0.2.1')
  expect(known.map(([code]) => code)).toEqual([
    ...Array(4).fill('sign_in_failed'),
    ...Array(2).fill('too_many_attempts'),
  ])
  expect(await guesses('nobody@example.com', '192.0.2.2')).toEqual(known)
  expect(hasher.compared).toHaveLength(8)
  // The right password does not help there, and is not needed elsewhere.
  expect((await problemOf(signIn.withPassword('ann@example.com', password, from))).code).toBe('too_many_attempts')
  expect(await signIn.withPassword('ann@example.com', password, elsewhere(1))).toMatchObject({ status: 'signed_in' })
})

test('many wrong sign-ins at once, more than there is room for, do not keep the owner out', async () => {
  const { signIn, add } = await setUp({ maxWaiting: 8, memory: costly })
  await add('ann@example.com')
  const flood = Array.from({ length: 400 }, (_, number) => {
    const email = number % 2 ? 'ann@example.com' : `${number}@example.com`
    return problemOf(signIn.withPassword(email, 'wrong', elsewhere(number % 20)))
  })
  const enter = () => signIn.withPassword('ann@example.com', password, from)
  // A caller that is told of an overload retries, as the page does.
  expect(await vi.waitFor(enter, { interval: 20 })).toMatchObject({ status: 'signed_in' })
  const codes = (await Promise.all(flood)).map(({ code }) => code)
  expect(new Set(codes)).toEqual(new Set(['sign_in_failed', 'too_many_attempts', 'overloaded']))
  // At most ten per address were let through, and of those only as many were checked as there was room for.
  expect(codes.filter(code => code === 'too_many_attempts').length).toBeGreaterThanOrEqual(200)
  expect(codes.filter(code => code === 'sign_in_failed').length).toBeLessThan(20)
})

test('while there is no room for another password, the database is not asked either, and the try does not count', async () => {
  const { signIn, users, hasher, add } = await setUp({ parallel: 1, maxWaiting: 1, memory: costly })
  await add('ann@example.com')
  const find = vi.spyOn(users, 'findByEmail')
  const busy = [hasher.verify('wrong', null), hasher.verify('wrong', null)]
  for (let tries = 0; tries < 20; tries++) {
    expect((await problemOf(signIn.withPassword('ann@example.com', password, from))).code).toBe('overloaded')
  }
  expect(find).not.toHaveBeenCalled()
  await Promise.all(busy)
  expect(await signIn.withPassword('ann@example.com', password, from)).toMatchObject({ status: 'signed_in' })
})

test('with a second factor the password alone opens nothing; its code does, once', async () => {
  const { signIn, sessions, codes, add, challengeOf } = await setUp()
  const ann = await add('ann@example.com', { totp_sealed: 'sealed' })
  const challenge = await challengeOf('ann@example.com')
  expect(await sessions.list()).toEqual([])
  codes.add('123456')
  expect((await problemOf(signIn.withSecondFactor(challenge, '654321', from))).code).toBe('sign_in_failed')
  const { principal } = await signIn.withSecondFactor(challenge, '123456', from)
  expect(principal.userId).toBe(ann.id)
  codes.add('123456')
  expect((await problemOf(signIn.withSecondFactor(challenge, '123456', from))).code).toBe('challenge_invalid')
})

test('a challenge ends after five wrong codes, after five minutes, and when the password changed meanwhile', async () => {
  const { signIn, users, codes, clock, add, challengeOf } = await setUp()
  const ann = await add('ann@example.com', { totp_sealed: 'sealed' })
  const refused = async (challenge: string, number: number) =>
    (await problemOf(signIn.withSecondFactor(challenge, '123456', elsewhere(number)))).code

  const guessed = await challengeOf('ann@example.com')
  for (let tries = 0; tries < 5; tries++) expect(await refused(guessed, tries)).toBe('sign_in_failed')
  codes.add('123456')
  expect(await refused(guessed, 5)).toBe('challenge_invalid')

  const late = await challengeOf('ann@example.com')
  clock.now += 5 * 60_000 + 1
  expect(await refused(late, 6)).toBe('challenge_invalid')

  const changed = await challengeOf('ann@example.com')
  await users.update(ann.id, { password_hash: 'another' })
  expect(await refused(changed, 7)).toBe('challenge_invalid')

  await users.update(ann.id, { password_hash: ann.password_hash })
  const disabled = await challengeOf('ann@example.com')
  await users.update(ann.id, { disabled: 1 })
  expect(await refused(disabled, 8)).toBe('challenge_invalid')
  await users.update(ann.id, { disabled: 0 })
  expect(await refused(disabled, 9)).toBe('challenge_invalid')
  expect(codes.has('123456')).toBe(true)
})

test('codes sent at once get no more tries than one after the other, and of two right ones only one opens a session', async () => {
  const { signIn, sessions, codes, add, challengeOf } = await setUp()
  await add('ann@example.com', { totp_sealed: 'sealed' })
  const guessed = await challengeOf('ann@example.com')
  const guesses = Array.from({ length: 8 }, (_, number) =>
    problemOf(signIn.withSecondFactor(guessed, '000000', elsewhere(number))),
  )
  const answers = (await Promise.all(guesses)).map(({ code }) => code)
  expect(answers.toSorted()).toEqual([...Array(3).fill('challenge_invalid'), ...Array(5).fill('sign_in_failed')])

  const challenge = await challengeOf('ann@example.com')
  const right = ['abcd-efgh-jkmn-pqrs', 'bcde-fghj-kmnp-qrst']
  for (const code of right) codes.add(code)
  const both = await Promise.allSettled(right.map(code => signIn.withSecondFactor(challenge, code, from)))
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(await sessions.list()).toHaveLength(1)
})

test('codes are not guessed with ever new challenges from ever new addresses, and a recovery code still opens', async () => {
  const { signIn, codes, add, challengeOf } = await setUp()
  await add('ann@example.com', { totp_sealed: 'sealed' })
  const challenges = [
    await challengeOf('ann@example.com', elsewhere(1)),
    await challengeOf('ann@example.com', elsewhere(2)),
    await challengeOf('ann@example.com', elsewhere(3)),
  ]
  const outcomes: string[] = []
  for (let number = 0; number < 40; number++) {
    const challenge = challenges[Math.min(2, Math.floor(number / 5))]!
    outcomes.push((await problemOf(signIn.withSecondFactor(challenge, '000000', elsewhere(number)))).code)
  }
  expect(outcomes).toEqual([...Array(10).fill('sign_in_failed'), ...Array(30).fill('too_many_attempts')])
  codes.add('abcd-efgh-jkmn-pqrs')
  expect(await signIn.withSecondFactor(challenges[2]!, 'abcd-efgh-jkmn-pqrs', from)).toHaveProperty('cookie')
})

test('knowing one password does not allow evicting the challenges of others', async () => {
  const { signIn, codes, add, challengeOf } = await setUp()
  await add('ann@example.com', { totp_sealed: 'sealed' })
  await add('mallory@example.com', { totp_sealed: 'sealed' })
  const challenge = await challengeOf('ann@example.com')
  const own = [await challengeOf('mallory@example.com')]
  for (let count = 0; count < 5; count++) own.push(await challengeOf('mallory@example.com'))
  expect((await problemOf(signIn.withSecondFactor(own[0]!, '123456', from))).code).toBe('challenge_invalid')
  codes.add('123456')
  expect(await signIn.withSecondFactor(challenge, '123456', from)).toHaveProperty('principal')
})

test('of the open challenges of a user, from whatever places, at most fifty stay open', async () => {
  const { signIn, codes, add, challengeOf } = await setUp()
  await add('mallory@example.com', { totp_sealed: 'sealed' })
  const first = await challengeOf('mallory@example.com', elsewhere(0))
  const second = await challengeOf('mallory@example.com', elsewhere(1))
  for (let number = 2; number <= 50; number++) await challengeOf('mallory@example.com', elsewhere(number))
  codes.add('123456')
  expect((await problemOf(signIn.withSecondFactor(first, '123456', from))).code).toBe('challenge_invalid')
  expect(await signIn.withSecondFactor(second, '123456', from)).toHaveProperty('principal')
})

test('no text typed as an email delays the codes of a user', async () => {
  const { signIn, codes, add, challengeOf } = await setUp()
  const ann = await add('ann@example.com', { totp_sealed: 'sealed' })
  const challenge = await challengeOf('ann@example.com')
  for (const email of [`code of ${ann.id}`, `second factor of ${ann.id}`]) {
    for (let number = 0; number < 20; number++) {
      expect((await problemOf(signIn.withPassword(email, 'x', elsewhere(number)))).code).toBe('sign_in_failed')
    }
  }
  codes.add('123456')
  expect(await signIn.withSecondFactor(challenge, '123456', from)).toHaveProperty('cookie')
})

test('the thief of a password cannot keep its owner from entering a code', async () => {
  const { signIn, codes, add, challengeOf } = await setUp()
  await add('ann@example.com', { totp_sealed: 'sealed' })
  const challenge = await challengeOf('ann@example.com')
  for (let count = 0; count < 60; count++) await challengeOf('ann@example.com', elsewhere(1))
  codes.add('123456')
  expect(await signIn.withSecondFactor(challenge, '123456', from)).toHaveProperty('cookie')
})

test('what fails on the way is not counted as wrong', async () => {
  const { signIn, users, add } = await setUp()
  await add('ann@example.com')
  const findByEmail = users.findByEmail.bind(users)
  users.findByEmail = () => Promise.reject(new Error('the database is away'))
  for (let count = 0; count < 20; count++) {
    await expect(signIn.withPassword('ann@example.com', password, from)).rejects.toThrow('the database is away')
  }
  users.findByEmail = findByEmail
  expect(await signIn.withPassword('ann@example.com', password, from)).toMatchObject({ status: 'signed_in' })
})

/** Parameters of hashes made until November 2026: m=19456, t=2. */
const outdated = '$argon2id$v=19$m=19456,t=2,p=1$YSBzYWx0IG9mIHRoZSBwYXN0$uBqSBGNQT06IE4lw9a7QCQIYkurbvyHnnc1P+TGgN2M'

test('a password that was kept with another cost is kept with today’s after it was given once, in two tabs at once too', async () => {
  const { signIn, users, hasher, add, sessions } = await setUp()
  const ann = await add('ann@example.com', { password_hash: outdated })
  const wrong = await problemOf(signIn.withPassword('ann@example.com', `${password}!`, from))
  expect(wrong.code).toBe('sign_in_failed')
  expect((await users.find(ann.id))?.password_hash).toBe(outdated)

  const both = await Promise.all([1, 2].map(() => signIn.withPassword('ann@example.com', password, from)))
  expect(both.map(({ status }) => status)).toEqual(['signed_in', 'signed_in'])
  expect(await sessions.list(ann.id)).toHaveLength(2)
  const kept = (await users.find(ann.id))?.password_hash ?? ''
  expect(hasher.isOutdated(kept)).toBe(false)
  await signIn.withPassword('ann@example.com', password, from)
  expect((await users.find(ann.id))?.password_hash).toBe(kept)
})

test('a password that is changed while it is kept again is not brought back', async () => {
  const { signIn, users, hasher, add } = await setUp()
  const ann = await add('ann@example.com', { password_hash: outdated })
  const next = await hasher.hash('another quiet place for letters')
  vi.spyOn(hasher, 'hash').mockImplementation(async given => {
    await users.update(ann.id, { password_hash: next })
    return cheapHasher().hash(given)
  })
  expect((await problemOf(signIn.withPassword('ann@example.com', password, from))).code).toBe('sign_in_failed')
  expect((await users.find(ann.id))?.password_hash).toBe(next)
})

test('a user who is disabled while their password is kept again, in two tabs, gets the answer of a wrong password', async () => {
  const { signIn, users, hasher, add } = await setUp()
  const ann = await add('ann@example.com', { password_hash: outdated })
  const wrong = await problemOf(signIn.withPassword('nobody@example.com', password, from))
  vi.spyOn(hasher, 'hash').mockImplementation(async given => {
    const other = await cheapHasher().hash(given)
    await users.update(ann.id, { password_hash: other, disabled: 1 })
    return cheapHasher().hash(given)
  })
  expect((await problemOf(signIn.withPassword('ann@example.com', password, from))).message).toBe(wrong.message)
})
