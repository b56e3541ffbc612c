/** A line of a list of mail, wherever it came from: one message, or a thread told by its newest message. */
import type { MessageSummary } from '../../contract/mail.ts'
import type { ThreadSummary } from '../../contract/mail-index.ts'
import type { SearchAnswer } from '../../contract/mail-search.ts'

export interface MailRow {
  /** Stays the same while the list changes: of a thread, of a message, or of its place. */
  key: string
  accountId: string
  /** The newest one of a thread. */
  message: MessageSummary
  /** Undefined where no index knows it. */
  messageId: string | undefined
  threadId: string | undefined
  /** Opening it shows the conversation. */
  opensThread: boolean
  /** How many messages it stands for, and how many of these are unread. */
  count: number
  unread: number
  /** Where it lies; only in lists over several folders. */
  folder?: string | undefined
  /** Where a search hit its text, in place of its beginning; `marks` are the words that were found, from and to. */
  snippet?: string
  marks?: readonly (readonly [number, number])[]
}

/** Of a search over several folders also how the finds are spread, and how much was searched. */
export interface MailPage extends Partial<Pick<SearchAnswer, 'is_total_exact' | 'facets' | 'coverage'>> {
  rows: readonly MailRow[]
  next_cursor: string | null
  /** Of all pages; null where it is not counted. */
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

/** Whether it is what the reader has open. A thread stays itself when its newest message is another one. */
export function isOpenRow(row: MailRow, open: { message: string; thread: string }): boolean {
  return isThreadRow(row) ? open.message !== '' && row.threadId === open.thread : row.message.ref === open.message
}

/** It stands for all messages of a conversation. */
export function isThreadRow({ key }: MailRow): boolean {
  return key.startsWith('thread-')
}
