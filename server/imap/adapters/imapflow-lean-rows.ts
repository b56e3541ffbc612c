/**
 * Parses FETCH rows directly, before ImapFlow builds a tree of each: that took three times as long as all further
 * processing. Unusual or incomplete rows are left to ImapFlow.
 */
import type { FetchMessageObject, FetchQueryObject, ImapFlow } from 'imapflow'
import { type ListReaders, readRow } from './imapflow-row-reader.ts'

/** ImapFlow's response handler, which its types do not declare. */
interface Inside {
  handleResponse?(response: { payload: Buffer; literals: readonly Buffer[] }): Promise<boolean>
}

export interface LeanFetch {
  range: string
  by: 'uid' | 'seq'
  query: FetchQueryObject
  /** True for a row with all requested items; unsolicited flag updates arrive as rows too, and are for ImapFlow. */
  isAnswer(row: FetchMessageObject): boolean
  /** Called also for each row that ImapFlow parses. */
  take(row: FetchMessageObject): void
}

/** Consumes the rows of a connection while a fetch is active. @returns Whether it consumed the row. */
interface Hook {
  take: ((row: FetchMessageObject) => boolean) | undefined
}

const hooks = new WeakMap<ImapFlow, Hook>()

/** Fetches rows and consumes each as it arrives, so that responses are not buffered. */
export async function fetchLean(client: ImapFlow, { range, by, query, isAnswer, take }: LeanFetch): Promise<void> {
  const hook = await hookOf(client)
  // Only the first error, since a server may send any number of rows.
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
  // Loaded with the first account, like ImapFlow.
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
