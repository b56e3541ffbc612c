/** The page recognises the last administrator before the server has to refuse. */
import { expect, test } from 'vitest'
import type { User } from '../../contract/users.ts'
import { factorWords, lastAdministrator } from './user-words.ts'

const user = (id: string, role: User['role'], status: User['status']) => ({ id, role, status }) as User

test('an invited or disabled user does not count as an administrator', () => {
  const only = user('a', 'administrator', 'active')
  const users = [only, user('b', 'administrator', 'invited'), user('c', 'administrator', 'disabled')]
  expect(lastAdministrator([...users, user('d', 'operator', 'active')])).toBe(only)
  expect(lastAdministrator([...users, user('e', 'administrator', 'active')])).toBeUndefined()
})

test('what stands beside the password is told, and that nothing does', () => {
  expect(factorWords({ has_totp: true, passkeys: 2 })).toBe('Authenticator, 2 passkeys')
  expect(factorWords({ has_totp: false, passkeys: 1 })).toBe('1 passkey')
  expect(factorWords({ has_totp: false, passkeys: 0 })).toBeUndefined()
})
