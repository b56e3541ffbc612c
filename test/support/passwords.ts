/** Passwords that cost nothing to look at, for tests that are about something else. */
import { PasswordHasher, type PasswordHasherOptions } from '../../server/users/password-hasher.ts'

/** KiB; argon2 takes no less. */
export const passwordMemory = 8

export function cheapHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  return new PasswordHasher({ memory: passwordMemory, ...options })
}
