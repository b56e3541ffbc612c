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
  expect([kind, version, cost]).toEqual(['argon2id', 'v=19', 'm=19456,t=2,p=1'])
  const parameters = { nonce: Buffer.from(salt!, 'base64'), parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 }
  const expected = argon2Sync('argon2id', { ...parameters, message: 'a quiet place for letters' })
  expect(Buffer.from(tag!, 'base64')).toEqual(expected)
})

test('where there is no password, nothing is right, and a broken one is not taken for a wrong one', async () => {
  const hasher = new PasswordHasher()
  for (const kept of [null, undefined]) expect(await hasher.verify('', kept)).toBe(false)
  await expect(hasher.verify('anything', 'plain text')).rejects.toThrow('no PHC string')
})

test('when there are too many, who was wrong more often gives way, and who was not wrong goes first', async () => {
  const hasher = new PasswordHasher({ parallel: 1, maxWaiting: 2 })
  const order: string[] = []
  const ask = (name: string, rank: number) =>
    hasher.verify('wrong', null, rank).then(
      () => order.push(name),
      error => order.push(`${name}: ${error.code}`),
    )
  await Promise.all([ask('running', 9), ask('guesser', 5), ask('worse guesser', 7), ask('owner', 0)])
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
