/** Password hashing that costs next to nothing, for tests whose subject it is not. */
import { PasswordHasher, type PasswordHasherOptions } from '../../server/users/password-hasher.ts'

/** Memory in KiB; argon2 accepts no less. */
export const passwordMemory = 8

export function cheapHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  return new PasswordHasher({ memory: passwordMemory, ...options })
}
