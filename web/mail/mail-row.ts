/** A row of a mail list, whatever its source: one message, or a thread represented by its newest message. */
import type { MessageSummary } from '../../contract/mail.ts'
import type { ThreadSummary } from '../../contract/mail-index.ts'
import type { SearchAnswer } from '../../contract/mail-search.ts'

export interface MailRow {
  /** Stable identity of the row while the list changes: the thread's, the message's, or its place. */
  key: string
  accountId: string
  /** The message, or the newest one of the thread. */
  message: MessageSummary
  /** The index's id; undefined if no index knows the message. */
  messageId: string | undefined
  threadId: string | undefined
  /** Whether opening the row shows the conversation. */
  opensThread: boolean
  /** Number of messages in the row; `unread` counts the unread ones. */
  count: number
  unread: number
  /** The folder; only in lists over several folders. */
  folder?: string | undefined
  /** The excerpt that a search matched, instead of the preview; `marks` are the ranges of the matches. */
  snippet?: string
  marks?: readonly (readonly [number, number])[]
}

/** A page of rows; a search over several folders adds facets and coverage. */
export interface MailPage extends Partial<Pick<SearchAnswer, 'is_total_exact' | 'facets' | 'coverage'>> {
  rows: readonly MailRow[]
  next_cursor: string | null
  /** Total over all pages; null if it is not counted. */
  total: number | null
}

type Listed = MessageSummary & { id?: string | undefined; thread_id?: string | undefined }

export function rowOfMessage(accountId: string, message: Listed): MailRow {
  const { id, thread_id: threadId, flags } = message
  const unread = flags.includes('seen') ? 0 : 1
  return { key: message.ref, accountId, message, messageId: id, threadId, opensThread: false, count: 1, unread }
}

export function rowOfThread(accountId: string, { id, messages, unread, newest }: ThreadSummary): MailRow {
  return {
    key: `thread-${accountId}-${id}`,
    accountId,
    message: newest,
    messageId: newest.id,
    threadId: id,
    opensThread: true,
    count: messages,
    unread,
  }
}

/** Returns whether the row is what the reader has open. A thread remains open when its newest message changes. */
export function isOpenRow(row: MailRow, open: { message: string; thread: string }): boolean {
  return isThreadRow(row) ? open.message !== '' && row.threadId === open.thread : row.message.ref === open.message
}

/** Returns whether the row represents a whole conversation. */
export function isThreadRow({ key }: MailRow): boolean {
  return key.startsWith('thread-')
}
