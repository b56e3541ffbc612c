/** Passwords are hard to get back, and trying many at once neither takes the machine nor keeps people out. */
import { argon2Sync } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { PasswordHasher } from './password-hasher.ts'

test('a password is known again, another is not, and the same one never looks the same', async () => {
  const hasher = new PasswordHasher()
  const [one, two] = await Promise.all([
    hasher.hash('a quiet place for letters'),
    hasher.hash('a quiet place for letters'),
  ])
  expect(one).not.toBe(two)
  expect(await hasher.verify('a quiet place for letters', one)).toBe(true)
  expect(await hasher.verify('a quiet place for letterS', one)).toBe(false)
  // Typed on a keyboard that composes letters, and on one that does not.
  expect(await hasher.verify('Zu\u0308rich im Regen', await hasher.hash('Z\u00fcrich im Regen'))).toBe(true)
})

test('it is argon2id as others write and read it', async () => {
  const [, kind, version, cost, salt, tag] = (await new PasswordHasher().hash('a quiet place for letters')).split('$')
  expect([kind, version, cost]).toEqual(['argon2id', 'v=19', 'm=47104,t=1,p=1'])
  const parameters = { nonce: Buffer.from(salt!, 'base64'), parallelism: 1, tagLength: 32, memory: 47_104, passes: 1 }
  const expected = argon2Sync('argon2id', { ...parameters, message: 'a quiet place for letters' })
  expect(Buffer.from(tag!, 'base64')).toEqual(expected)
})

/** As it was made until November 2026. */
const old = '$argon2id$v=19$m=19456,t=2,p=1$YSBzYWx0IG9mIHRoZSBwYXN0$uBqSBGNQT06IE4lw9a7QCQIYkurbvyHnnc1P+TGgN2M'

test('a password that was kept with another cost is known all the same, and known to be outdated', async () => {
  const hasher = new PasswordHasher()
  expect(await hasher.verify('a quiet place for letters', old)).toBe(true)
  expect(await hasher.verify('a quiet place for letterS', old)).toBe(false)
  expect(hasher.isOutdated(old)).toBe(true)
  expect(hasher.isOutdated(await hasher.hash('a quiet place for letters'))).toBe(false)
})

test('the memory of a password is given back when it was looked at', async () => {
  const hasher = new PasswordHasher()
  await hasher.verify('wrong', null)
  const before = process.memoryUsage.rss()
  for (let turn = 0; turn < 6; turn++) {
    await Promise.all(Array.from({ length: 4 }, () => hasher.verify('wrong', null)))
  }
  // A single block that is kept is more than this.
  expect(process.memoryUsage.rss() - before).toBeLessThan(15 * 1024 * 1024)
})

test('where there is no password, nothing is right, and a broken one is not taken for a wrong one', async () => {
  const hasher = new PasswordHasher()
  for (const kept of [null, undefined]) expect(await hasher.verify('', kept)).toBe(false)
  await expect(hasher.verify('anything', 'plain text')).rejects.toThrow('not a PHC string')
})

test('when there are too many, who was wrong more often gives way, and who was not wrong goes first', async () => {
  const hasher = new PasswordHasher({ parallel: 1, maxWaiting: 2 })
  const order: string[] = []
  const ask = (name: string, rank: number) =>
    hasher.verify('wrong', null, rank).then(
      () => order.push(name),
      error => order.push(`${name}: ${error.code}`),
    )
  const all = Promise.all([ask('running', 9), ask('guesser', 5), ask('worse guesser', 7), ask('owner', 0)])
  // Known beforehand, so that no work is done for refused callers.
  expect(() => hasher.checkRoom(5)).toThrow('Too many users')
  expect(() => hasher.checkRoom(4)).not.toThrow()
  await all
  expect(() => hasher.checkRoom(9)).not.toThrow()
  expect(order).toEqual(['worse guesser: overloaded', 'running', 'owner', 'guesser'])
  // Nothing is left behind: the next one does not wait.
  expect(await hasher.verify('wrong', null)).toBe(false)
})

test('the event loop goes on while passwords are looked at', async () => {
  const hasher = new PasswordHasher()
  const tick = vi.fn()
  const timer = setInterval(tick, 1)
  await Promise.all(Array.from({ length: 4 }, () => hasher.verify('wrong', null)))
  clearInterval(timer)
  expect(tick.mock.calls.length).toBeGreaterThan(5)
})
