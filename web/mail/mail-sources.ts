/** Where a list of mail comes from: threads of the index, messages of a folder, or a search. */
import { api } from '../../contract/index.ts'
import type { SearchHit } from '../../contract/mail-search.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { type MailPage, type MailRow, rowOfMessage, rowOfThread } from './mail-row.ts'
import { searchIn } from './search-terms.ts'

const pageSize = 50

export interface MailSource {
  queryKey: readonly string[]
  load(cursor: string | undefined, signal?: AbortSignal): Promise<MailPage>
  /** The mail server is asked, which may take its time and costs it work; else the answer is there at once. */
  isSlow: boolean
}

export function threadsOf(accountId: string, folder: string): MailSource {
  return {
    queryKey: [...queryKeys.folderThreads(accountId, folder), 'list'],
    isSlow: false,
    load: async (cursor, signal) => {
      const params = { account_id: accountId }
      const { items, next_cursor } = await call(api.mailIndex.listThreads, {
        params,
        query: { folder, limit: pageSize, cursor },
        signal,
      })
      return { rows: items.map(thread => rowOfThread(accountId, thread)), next_cursor, total: null }
    },
  }
}

export function messagesOf(accountId: string, folder: string): MailSource {
  return {
    queryKey: [...queryKeys.folderMessages(accountId, folder), 'list'],
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

/** In the folder that is shown, unless the search names another one. */
export function foundOnServer(accountId: string, folder: string, typed: string): MailSource {
  const q = searchIn(folder, typed)
  return {
    queryKey: queryKeys.foundMessages(accountId, q),
    isSlow: true,
    load: async (cursor, signal) => {
      const query = { q, limit: pageSize, cursor, preview: 'true', facets: wantsCounts(cursor) } as const
      const params = { account_id: accountId }
      const { items, ...answer } = await call(api.mailSearch.searchAccount, { params, query, signal })
      return { ...answer, rows: items.map(rowOfHit) }
    },
  }
}

export interface IndexSearch {
  q: string
  /** Undefined for all accounts. */
  accountId: string | undefined
  sort: 'date' | 'relevance'
  /** The last word may be the beginning of one, and no mail server is asked yet. */
  isTyping: boolean
}

/** In all folders, by the index; the mail server is asked for what is not indexed, once the reader has finished typing. */
export function foundInIndex({ q, accountId, sort, isTyping }: IndexSearch): MailSource {
  return {
    queryKey: queryKeys.foundMessages(accountId ?? 'all', JSON.stringify([q, sort, isTyping])),
    isSlow: false,
    load: async (cursor, signal): Promise<MailPage> => {
      const { items, ...answer } = await call(api.mailSearch.searchMail, {
        query: {
          q,
          account: accountId,
          sort,
          limit: pageSize,
          cursor,
          preview: 'true',
          facets: wantsCounts(cursor),
          ...(isTyping && { typing: 'true', server: 'never' }),
        },
        signal,
      })
      return { ...answer, rows: items.map(rowOfHit) }
    },
  }
}

/** With the first page: they are of all pages. */
function wantsCounts(cursor: string | undefined): 'true' | 'false' {
  return cursor === undefined ? 'true' : 'false'
}

function rowOfHit({ account_id: accountId, snippet, ...hit }: SearchHit): MailRow {
  const { thread_id: threadId, ...message } = hit
  const row = rowOfMessage(accountId, { ...message, thread_id: threadId ?? undefined })
  const known = { ...row, key: `${accountId}-${hit.id}`, folder: hit.folders[0], opensThread: threadId !== null }
  return snippet === null ? known : { ...known, snippet: snippet.text, marks: snippet.hits as [number, number][] }
}
