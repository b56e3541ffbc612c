/** What the pool learns of mail servers, and is told again after a restart: who keeps it is up to the composition root. */

/** Connections of one account that its mail server allows, the watching one included. */
export interface KnownLimit {
  connections: number
  /** How long no more than those are tried. */
  waitMs: number
}

/** Called on the way of connections: it answers at once, and never throws. */
export interface ServerMemory {
  limitOf(accountId: string): KnownLimit | undefined
  /** @param limit Undefined: none is known any more. */
  limited(accountId: string, limit: KnownLimit | undefined): void
  /** Whether the server of this account has ever accepted its login. */
  hasAccepted(accountId: string): boolean
  /** @param offers What the server said after the login that it can do, in capitals: `IDLE`, `APPENDLIMIT=35651584`. */
  connected(accountId: string, offers: readonly string[]): void
  /** It had no room for what was to be put into the mailbox. */
  foundFull(accountId: string): void
}

/** For a pool that learns everything again. */
export const noMemory: ServerMemory = {
  limitOf: () => undefined,
  limited: () => undefined,
  hasAccepted: () => false,
  connected: () => undefined,
  foundFull: () => undefined,
}
