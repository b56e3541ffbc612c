/** How complete an account's index is: which mail a search in it cannot find. */
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { withIds } from './find-by-id.ts'
import { fixedStatement } from './fixed-statement.ts'
import { messageIdBytes, messageIdText, threadIdText } from './message-identity.ts'
import { namedFolders } from './named-folders.ts'

export interface IndexReach {
  messages: number
  /** Messages whose text is indexed. */
  texts: number
  /** False until the list of folders has been read. */
  hasFolders: boolean
  /** Folders whose messages below this UID are missing; all are if it is null. */
  missing: { path: string; belowUid: number | null }[]
  /** Approximate time of the newest message without a text, in seconds; null if each has one, possibly empty. */
  textlessFrom: number | null
}

const sumsOf = fixedStatement((db, account: number) =>
  db
    .selectFrom('account_state')
    .select(['messages', 'texts'])
    .select(({ selectFrom, lit }) =>
      selectFrom('messages')
        .select('messages.rowid')
        .where('messages.account', '=', account)
        .where('text', 'is', null)
        .where('orphaned_round', 'is', null)
        .orderBy('messages.rowid', 'desc')
        .limit(lit(1))
        .as('textless'),
    )
    .where('account', '=', account),
)

/** Reads the reach, on the same snapshot as the search that it describes. */
export async function reachOf(owner: IndexOwner): Promise<IndexReach> {
  const folders = (await namedFolders(owner)).filter(({ selectable }) => selectable === 1)
  const sums = owner.answer?.begun?.sums ?? (await sumsOf(owner.db, owner.account))[0]
  if (!sums) throw new Error('the index has no such account')
  return {
    messages: sums.messages,
    texts: sums.texts,
    hasFolders: folders.length > 0,
    missing: folders
      .filter(({ lowest_uid: lowest }) => lowest === null || lowest > 1)
      .map(({ path, lowest_uid: belowUid }) => ({ path, belowUid })),
    textlessFrom: sums.textless,
  }
}

/** A message found by the mail server that the index holds. */
export interface HeldMessage {
  id: string
  rowid: number
  threadId: string
  hasText: boolean
}

export async function heldMessages({ db, account }: IndexOwner, ids: readonly string[]): Promise<HeldMessage[]> {
  const held: HeldMessage[] = []
  for (const piece of lists(ids.map(messageIdBytes).filter(id => id !== undefined))) {
    const messages = db
      .selectFrom('messages')
      .select(({ eb }) => ['id', 'rowid', 'thread', eb('text', 'is', null).as('is_textless')])
      .where('account', '=', account)
      .where('orphaned_round', 'is', null)
    const rows = await withIds(messages, piece).execute()
    for (const { id, rowid, thread, is_textless: isTextless } of rows)
      held.push({ id: messageIdText(id), rowid, threadId: threadIdText(thread), hasText: !isTextless })
  }
  return held
}
