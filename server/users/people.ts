/** The stored people and passkeys, as the features of access may use them; the stores themselves are private to this folder. */
export type { PasskeyStore as Passkeys } from './passkey-store.ts'
export type { UserStore as People } from './user-store.ts'
