/** Which messages the rows of a list stand for: those of a conversation that lie in the folder, or the one that is meant. */
import { api } from '../../contract/index.ts'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { isSameFolder } from '../mail/folder-order.ts'
import { isThreadRow, type MailRow } from '../mail/mail-row.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import type { Change } from './mail-actions.ts'
import { isConversation } from './row-patches.ts'

/** Conversations that are asked for at a time. */
const atATime = 6

/** What the server knows a message by, and the row that it belongs to. */
export interface Named {
  name: string
  row: MailRow
}

/** @param folder Undefined for lists over several folders, whose rows stand for one message each. */
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
      // What is not in this folder any more is left where it is.
      const isGone = messages !== undefined && change.kind !== 'flags'
      if (meant.length > 0 || isGone) named[at] = meant.map(({ id }) => ({ name: id, row }))
    }
  }
  await Promise.all(Array.from({ length: atATime }, next))
  return named.flat()
}

/** A row of a flat list is the message in this folder, which may lie in another one too; else the message wherever it is. */
function nameOf(row: MailRow): string {
  const isFlat = !isThreadRow(row) && row.folder === undefined
  return isFlat ? row.message.ref : (row.messageId ?? row.message.ref)
}

/** What a star and an unread mark are set on, so that taking them off again is one message too. */
function isOfNewest(change: Change): boolean {
  if (change.kind !== 'flags') return false
  const isStar = [...change.add, ...change.remove].includes('flagged')
  return isStar || change.remove.includes('seen')
}

function isMeant({ folders, flags }: IndexedMessage, change: Change, folder: string | undefined): boolean {
  // Unread answers in other folders count too: else the conversation would stay unread.
  if (change.kind === 'flags' && change.add.includes('seen')) return !flags.includes('seen')
  return folder === undefined || folders.some(path => isSameFolder(path, folder))
}

/** Undefined for one that became part of another since. */
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
