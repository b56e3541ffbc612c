/** Queries of the mail API, and the owner of a mailbox. */
import type { MessageSummary } from '../../contract/mail.ts'

/** The owner of a mailbox, and its server. */
export interface Owner {
  email: string
  imapHost: string
  /** Changes with the account; null while it is disabled. Without it, changes cannot be detected. */
  revision?: string | null
  /** Login and server, which identify the mailbox. */
  mailbox?: string
}

export interface ListQuery {
  folder: string
  limit: number
  cursor?: string | undefined
  preview?: 'true' | 'false' | undefined
}

/** A page of a folder, newest first. */
export interface MessagePage {
  items: MessageSummary[]
  next_cursor: string | null
  total: number
  source: 'index' | 'mail_server'
  as_of: string
}

/** A request for a part: range, signal and permission check. */
export interface PartRequest {
  /** The headers Range and If-Range. */
  range?: string | undefined
  ifRange?: string | undefined
  signal: AbortSignal
  /** Throws once the caller may no longer read it; called before each piece is sent. */
  checkAgain(): Promise<void> | undefined
}

/**
 * Maximum age of the index for serving lists: one round may fail and the next be late before the mail server is
 * queried.
 */
export const freshMs = 150_000

/** Maximum age of the index after a start, until its first round. */
export const afterStartMs = 7 * 24 * 60 * 60 * 1000
