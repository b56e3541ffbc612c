/** Where a list of mail comes from: threads of the index, messages of a folder, or a search. */
import { api } from '../../contract/index.ts'
import type { SearchHit } from '../../contract/mail-search.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { type MailPage, type MailRow, rowOfMessage, rowOfThread } from './mail-row.ts'

const pageSize = 50

export interface MailSource {
  queryKey: readonly string[]
  /** Whose list it is; undefined for lists over several folders. */
  folder: string | undefined
  load(cursor: string | undefined, signal?: AbortSignal): Promise<MailPage>
  /** The mail server is asked, which may take its time and costs it work; else the answer is there at once. */
  isSlow: boolean
}

export function threadsOf(accountId: string, folder: string): MailSource {
  return {
    queryKey: [...queryKeys.folderThreads(accountId, folder), 'list'],
    folder,
    isSlow: false,
    load: async (cursor, signal) => {
      const params = { account_id: accountId }
      const { items, next_cursor } = await call(api.mailIndex.listThreads, {
        params,
        query: { folder, limit: pageSize, cursor, preview: 'true' },
        signal,
      })
      return { rows: items.map(thread => rowOfThread(accountId, thread)), next_cursor, total: null }
    },
  }
}

export function messagesOf(accountId: string, folder: string): MailSource {
  return {
    queryKey: [...queryKeys.folderMessages(accountId, folder), 'list'],
    folder,
    isSlow: true,
    load: async (cursor, signal) => {
      const params = { account_id: accountId }
      const { items, next_cursor, total } = await call(api.mail.listMessages, {
        params,
        query: { folder, limit: pageSize, cursor, preview: 'true' },
        signal,
      })
      return { rows: items.map(message => rowOfMessage(accountId, message)), next_cursor, total }
    },
  }
}

export interface SearchQuery {
  q: string
  /** Undefined for all accounts. */
  accountId: string | undefined
  /** Undefined for all folders. */
  folder: string | undefined
  sort: 'date' | 'relevance'
  /** The last word may be the beginning of one. */
  isOpen: boolean
  /** No mail server is asked yet. */
  isTyping: boolean
  /** The mail server must be asked: its account is not indexed yet. */
  isSlow: boolean
}

/** In all folders unless the search names one: by the index, and by the mail server as far as that does not reach. */
export function found({ q, accountId, folder, sort, isOpen, isTyping, isSlow }: SearchQuery): MailSource {
  return {
    queryKey: queryKeys.foundMessages(accountId ?? 'all', JSON.stringify([q, sort, isOpen, isTyping])),
    folder,
    isSlow,
    load: async (cursor, signal): Promise<MailPage> => {
      const query = {
        q,
        sort,
        limit: pageSize,
        cursor,
        preview: 'true' as const,
        facets: cursor === undefined ? ('true' as const) : ('false' as const),
        ...(isOpen && { typing: 'true' as const }),
        ...(isTyping && { server: 'never' as const }),
      }
      // One account whose server does not answer is an error; of several, those that answer are shown.
      const { items, ...answer } = await (isSlow && accountId !== undefined
        ? call(api.mailSearch.searchAccount, { params: { account_id: accountId }, query, signal })
        : call(api.mailSearch.searchMail, { query: { ...query, account: accountId }, signal }))
      return { ...answer, rows: items.map(rowOfHit) }
    },
  }
}

function rowOfHit({ account_id: accountId, snippet, ...hit }: SearchHit): MailRow {
  const { thread_id: threadId, ...message } = hit
  const row = rowOfMessage(accountId, { ...message, thread_id: threadId ?? undefined })
  const known = { ...row, key: `${accountId}-${hit.id}`, folder: hit.folders[0], opensThread: threadId !== null }
  return snippet === null ? known : { ...known, snippet: snippet.text, marks: snippet.hits as [number, number][] }
}
