/**
 * The stores of users and passkeys as types for the features of access; the stores themselves are private to this
 * folder.
 */
export type { PasskeyStore as Passkeys } from './passkey-store.ts'
export type { UserStore as People } from './user-store.ts'
