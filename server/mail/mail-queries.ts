/** Queries of the mail API, and the owner of a mailbox. */
import type { MessageSummary } from '../../contract/mail.ts'

/** Whose mailbox it is, and where. */
export interface Owner {
  email: string
  imapHost: string
  /** Changes with the account; null while it is not to be read. Without it nothing is known to have changed. */
  revision?: string | null
  /** Login and server, as far as they say which mailbox it is. */
  mailbox?: string
}

export interface ListQuery {
  folder: string
  limit: number
  cursor?: string | undefined
  preview?: 'true' | 'false' | undefined
}

/** One page of a folder, newest first. */
export interface MessagePage {
  items: MessageSummary[]
  next_cursor: string | null
  total: number
  source: 'index' | 'mail_server'
  as_of: string
}

/** A download: what of the part, until when, and whether its reader still may. */
export interface PartRequest {
  /** The headers of the same name. */
  range?: string | undefined
  ifRange?: string | undefined
  signal: AbortSignal
  /** Throws when they may not read it any more; asked before each piece is given. */
  checkAgain(): Promise<void> | undefined
}

/** Of the index: one look at a folder may fail, and the next one be late, before lists come from the mail server again. */
export const freshMs = 150_000

/** Of the index after a start, until its first look: as old as this may be what was known before. */
export const afterStartMs = 7 * 24 * 60 * 60 * 1000
