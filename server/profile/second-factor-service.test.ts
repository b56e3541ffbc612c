/** A second factor opens with the code of now or with a recovery code, and each of them only once. */
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { UserStore } from '../users/user-store.ts'
import { SecondFactorService } from './second-factor-service.ts'
import { TotpStore } from './totp-store.ts'

const minute = 60_000
const start = Date.parse('2026-11-22T12:00:00Z')

/** A user with an authenticator and recovery codes. */
async function setUp(db: Database) {
  const clock = { now: start }
  const users = new UserStore(db)
  const factors = new SecondFactorService({
    store: new TotpStore(db),
    users,
    secrets: new SecretBox(randomBytes(32)),
    now: () => clock.now,
    logger: createLogger('silent'),
  })
  const enrol = async () => {
    const user = aUser()
    await users.insert(user)
    const { secret } = factors.begin(`session-${user.id}`, user.email)
    const code = () => TOTP.generate({ secret: secretOf(secret), timestamp: clock.now })
    await users.update(user.id, factors.confirm(`session-${user.id}`, user.id, code()))
    const { codes, hashes } = factors.createRecoveryCodes()
    await users.replaceRecoveryCodes(user.id, hashes)
    return { user: (await users.find(user.id))!, secret, code, codes }
  }
  return { factors, users, clock, enrol }
}

function secretOf(base32: string) {
  return new TOTP({ secret: base32 }).secret
}

onEachDatabase(open => {
  test('a code opens once: not when it comes again, not when it comes twice at the same moment', async () => {
    const { factors, clock, enrol } = await setUp(await open())
    const { user, code } = await enrol()
    // The code that confirmed the authenticator is used up as well.
    expect(await factors.verify(user, code())).toBe(false)
    clock.now += minute
    const [now, later] = [code(), code]
    const answers = await Promise.all(Array.from({ length: 5 }, () => factors.verify(user, now)))
    expect(answers.filter(Boolean)).toHaveLength(1)
    clock.now += minute
    expect(await factors.verify(user, `${later().slice(0, 3)} ${later().slice(3)}`)).toBe(true)
  })

  test('after the code of now the one before it opens nothing more', async () => {
    const { factors, clock, enrol } = await setUp(await open())
    const { user, code } = await enrol()
    clock.now += minute
    const before = code()
    clock.now += 30_000
    expect(await factors.verify(user, code())).toBe(true)
    expect(await factors.verify(user, before)).toBe(false)
  })

  test('a recovery code opens once, however it is typed, and only for the user that it was made for', async () => {
    const { factors, users, enrol } = await setUp(await open())
    const [anna, ben] = [await enrol(), await enrol()]
    const [first, second] = anna.codes
    expect(await factors.verify(ben.user, first!)).toBe(false)
    const typed = ` ${first!.replaceAll('-', ' ').toUpperCase().replaceAll('0', 'O').replaceAll('1', 'l')}`
    expect(await factors.verify(anna.user, typed)).toBe(true)
    expect(await factors.verify(anna.user, first!)).toBe(false)
    const answers = await Promise.all([factors.verify(anna.user, second!), factors.verify(anna.user, second!)])
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await users.countRecoveryCodes(anna.user.id)).toBe(8)
    expect(await users.countRecoveryCodes(ben.user.id)).toBe(10)
  })

  test('what is in the database makes no code: secrets are sealed for their user, recovery codes hashed', async () => {
    const db = await open()
    const { factors, clock, enrol } = await setUp(db)
    const [anna, ben] = [await enrol(), await enrol()]
    const kept = JSON.stringify([
      await db.selectFrom('users').selectAll().execute(),
      await db.selectFrom('recovery_codes').selectAll().execute(),
    ])
    for (const secret of [anna.secret, ...anna.codes, anna.codes[0]!.replaceAll('-', '')]) {
      expect(kept).not.toContain(secret)
    }
    clock.now += minute
    // An attacker that can write to the database cannot put an own secret under another's name.
    const swapped = { ...anna.user, totp_sealed: ben.user.totp_sealed }
    await expect(factors.verify(swapped, ben.code())).rejects.toThrow()
  })
})

test('an authenticator counts only after a right code, within ten minutes, in the session that began it', async () => {
  const { factors, clock } = await setUp(await memoryDatabase())
  const { secret } = factors.begin('session-1', 'anna@example.com')
  const code = () => TOTP.generate({ secret: secretOf(secret), timestamp: clock.now })
  const confirm = (principalId: string, given: string) => () => factors.confirm(principalId, 'a1', given)
  expect(confirm('session-2', code())).toThrow(expect.objectContaining({ code: 'challenge_invalid' }))
  const wrong = code() === '000000' ? '000001' : '000000'
  expect(confirm('session-1', wrong)).toThrow(expect.objectContaining({ code: 'code_wrong' }))
  clock.now += 11 * minute
  expect(confirm('session-1', code())).toThrow(expect.objectContaining({ code: 'challenge_invalid' }))
})

test('repeated attempts do not fill the memory: of two hundred the oldest is evicted', async () => {
  const { factors } = await setUp(await memoryDatabase())
  const code = ({ secret }: { secret: string }) => TOTP.generate({ secret: secretOf(secret), timestamp: start })
  const first = factors.begin('session-first', 'anna@example.com')
  const others = Array.from({ length: 200 }, (_, index) => factors.begin(`session-${index}`, 'b@example.com'))
  expect(() => factors.confirm('session-first', 'a1', code(first))).toThrow(
    expect.objectContaining({ code: 'challenge_invalid' }),
  )
  expect(factors.confirm('session-199', 'a1', code(others[199]!)).totp_sealed).toMatch(/^v1\./)
})
