/** Resolves rows to messages: those of a conversation in the folder, or the one that a row stands for. */
import { api } from '../../contract/index.ts'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { isSameFolder } from '../mail/folder-order.ts'
import { isThreadRow, type MailRow } from '../mail/mail-row.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import type { Change } from './mail-actions.ts'
import { isConversation } from './row-patches.ts'

/** Conversations looked up in parallel. */
const atATime = 6

/** A message's name on the server, and its row. */
export interface Named {
  name: string
  row: MailRow
}

/**
 * Resolves the rows.
 * @param folder Undefined for lists over several folders, whose rows stand for one message each.
 */
export async function nameMessages(
  rows: readonly MailRow[],
  change: Change,
  folder: string | undefined,
): Promise<Named[]> {
  const named: Named[][] = rows.map(row => [{ name: nameOf(row), row }])
  const conversations = [...rows.entries()].filter(([, row]) => isConversation(row) && !isOfNewest(change))
  const next = async (): Promise<void> => {
    for (let entry = conversations.shift(); entry; entry = conversations.shift()) {
      const [at, row] = entry
      const messages = await messagesOf(row)
      const meant = messages?.filter(message => isMeant(message, change, folder)) ?? []
      // Messages that have left this folder are not touched.
      const isGone = messages !== undefined && change.kind !== 'flags'
      if (meant.length > 0 || isGone) named[at] = meant.map(({ id }) => ({ name: id, row }))
    }
  }
  await Promise.all(Array.from({ length: atATime }, next))
  return named.flat()
}

/**
 * Returns the name of a row's message. A flat list means the copy in its folder; otherwise the message wherever it is.
 */
function nameOf(row: MailRow): string {
  const isFlat = !isThreadRow(row) && row.folder === undefined
  return isFlat ? row.message.ref : (row.messageId ?? row.message.ref)
}

/**
 * Returns whether a change applies to the newest message only, so that undoing a star or unread mark also affects one
 * message.
 */
function isOfNewest(change: Change): boolean {
  if (change.kind !== 'flags') return false
  const isStar = [...change.add, ...change.remove].includes('flagged')
  return isStar || change.remove.includes('seen')
}

function isMeant({ folders, flags }: IndexedMessage, change: Change, folder: string | undefined): boolean {
  // Unread replies in other folders count, too; otherwise the conversation would stay unread.
  if (change.kind === 'flags' && change.add.includes('seen')) return !flags.includes('seen')
  return folder === undefined || folders.some(path => isSameFolder(path, folder))
}

/** Returns the messages of a conversation; undefined if it was merged into another one. */
async function messagesOf(row: MailRow): Promise<readonly IndexedMessage[] | undefined> {
  if (row.threadId === undefined) return undefined
  try {
    const params = { account_id: row.accountId, thread_id: row.threadId }
    return (await call(api.mailIndex.getThread, { params, query: {} })).messages
  } catch (error) {
    if (error instanceof ApiProblem && error.code === 'thread_not_found') return undefined
    throw error
  }
}
