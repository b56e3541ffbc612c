/** Sources of mail lists: threads of the index, messages of a folder, or a search. */
import { api } from '../../contract/index.ts'
import type { SearchHit } from '../../contract/mail-search.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { type MailPage, type MailRow, rowOfMessage, rowOfThread } from './mail-row.ts'

const pageSize = 50

export interface MailSource {
  queryKey: readonly string[]
  /** The folder of the list; undefined for lists over several. */
  folder: string | undefined
  load(cursor: string | undefined, signal?: AbortSignal): Promise<MailPage>
  /** Whether the mail server is asked, which takes time and costs it work; the index responds immediately. */
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
  /** The account to search; undefined for all. */
  accountId: string | undefined
  /** The folder to search; undefined for all. */
  folder: string | undefined
  sort: 'date' | 'relevance'
  /** Whether the last word may be a prefix. */
  isOpen: boolean
  /** Whether the user is still typing, so that no mail server is asked yet. */
  isTyping: boolean
  /** Whether the account is not indexed yet, so that the mail server must be asked. */
  isSlow: boolean
}

/**
 * Searches all folders unless the query names one, in the index, and on the mail server for what that does not cover.
 */
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
      // With one account, an unreachable server is an error; with several, the accounts that respond are shown.
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
