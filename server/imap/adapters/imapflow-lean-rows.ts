/**
 * Fetches rows that are read here, before ImapFlow makes a tree of each: reading a message took it three times as long as all that is done with it then.
 * A row that is not as usual, or says less than was asked for, it reads as ever.
 */
import type { FetchMessageObject, FetchQueryObject, ImapFlow } from 'imapflow'
import { type ListReaders, readRow } from './imapflow-row-reader.ts'

/** What ImapFlow reads of a connection; its types do not show it. */
interface Inside {
  handleResponse?(response: { payload: Buffer; literals: readonly Buffer[] }): Promise<boolean>
}

export interface LeanFetch {
  range: string
  by: 'uid' | 'seq'
  query: FetchQueryObject
  /** Whether it says all that was asked for: updates of flags that nobody asked for come as rows too, and are for ImapFlow. */
  isAnswer(row: FetchMessageObject): boolean
  /** Of rows that ImapFlow reads, each. */
  take(row: FetchMessageObject): void
}

/** What takes the rows of a connection, while something does. @returns Whether it did. */
interface Hook {
  take: ((row: FetchMessageObject) => boolean) | undefined
}

const hooks = new WeakMap<ImapFlow, Hook>()

/** Each row is taken as it comes: what the server said of it is not kept for longer. */
export async function fetchLean(client: ImapFlow, { range, by, query, isAnswer, take }: LeanFetch): Promise<void> {
  const hook = await hookOf(client)
  // The first one: a server may send any number of rows.
  let fault: { error: unknown } | undefined
  const takeAnswer = (row: FetchMessageObject) => {
    if (!(row.uid > 0 && isAnswer(row))) return false
    try {
      take(row)
    } catch (error) {
      fault ??= { error }
    }
    return true
  }
  hook.take = takeAnswer
  try {
    for await (const row of client.fetch(range, query, { uid: by === 'uid' })) take(row)
  } finally {
    if (hook.take === takeAnswer) hook.take = undefined
  }
  if (fault) throw fault.error
}

async function hookOf(client: ImapFlow): Promise<Hook> {
  const known = hooks.get(client)
  if (known) return known
  // Loaded with the first account, as ImapFlow is.
  const lists = (await import('imapflow/lib/tools')) as unknown as ListReaders
  const again = hooks.get(client)
  if (again) return again
  const hook: Hook = { take: undefined }
  const inside = client as unknown as Inside
  const handle = inside.handleResponse?.bind(client)
  if (handle) {
    inside.handleResponse = response => {
      const row = hook.take && readRow(response.payload, response.literals, lists)
      return row && hook.take?.(row) ? Promise.resolve(true) : handle(response)
    }
  }
  hooks.set(client, hook)
  return hook
}
