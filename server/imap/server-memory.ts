/** Facts that the pool learns of mail servers, restored after a restart; the composition root persists them. */

/** Connections that its mail server allows one account, the watching one included. */
export interface KnownLimit {
  connections: number
  /** Time in milliseconds before one more connection is tried. */
  waitMs: number
}

/** Called while connections are opened: must return immediately and never throw. */
export interface ServerMemory {
  limitOf(accountId: string): KnownLimit | undefined
  /** @param limit Undefined when no limit is known any more. */
  limited(accountId: string, limit: KnownLimit | undefined): void
  /** True when the server has ever accepted the login of this account. */
  hasAccepted(accountId: string): boolean
  /** @param offers Capabilities advertised after the login, in upper case: `IDLE`, `APPENDLIMIT=35651584`. */
  connected(accountId: string, offers: readonly string[]): void
  /** Called when the mailbox was over quota. */
  foundFull(accountId: string): void
}

/** Remembers nothing: the pool relearns everything after a restart. */
export const noMemory: ServerMemory = {
  limitOf: () => undefined,
  limited: () => undefined,
  hasAccepted: () => false,
  connected: () => undefined,
  foundFull: () => undefined,
}
