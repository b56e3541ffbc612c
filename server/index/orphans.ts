/** Removes messages that are in no folder any more, with all their data. */
import { lists } from './bulk-rows.ts'
import { type IndexChange, leaveTombstones } from './change-log.ts'
import { removeContacts } from './contact-index.ts'
import { readEnvelopes, removeEnvelopes } from './envelope.ts'
import type { FullText } from './full-text.ts'
import type { SettledOrphans } from './index-types.ts'
import { messageIdText, threadIdText } from './message-identity.ts'
import { removeFromBlocks } from './text-blocks.ts'
import { shrinkThreads } from './thread-links.ts'

/** Upper bound on messages removed per transaction; the rest follows in further ones. */
export const removedAtOnce = 500
/** Upper bound on messages per `mail_removed` fact; more are split over several facts. */
const messagesOfFact = 50

/** Removes a batch of the messages that have been orphans since before this round. */
export async function removeOrphans(change: IndexChange, fullText: FullText, round: number): Promise<SettledOrphans> {
  const { db, account, state } = change
  const rows = await db
    .selectFrom('messages')
    .select(['rowid', 'id', 'thread', 'from_json', 'is_own', 'date', 'envelope', 'text'])
    .select(({ fn }) => fn.coalesce('created_modseq', 'modseq').as('created_modseq'))
    .where('account', '=', account)
    .where('orphaned_round', '<', Math.min(round, state.round))
    .limit(removedAtOnce)
    .execute()
  const rowids = rows.map(({ rowid }) => rowid)
  const texts = rows.map(({ text }) => text).filter(text => text !== null)
  const places = rows.map(({ envelope }) => envelope)
  const envelopeAt = await readEnvelopes(change, places)
  await removeContacts(
    change,
    rows.map(row => ({ ...row, envelope: envelopeAt(row.envelope) })),
  )
  await removeEnvelopes(change, places)
  await removeFromBlocks(change, texts)
  await fullText.remove(db, account, rowids)
  for (const piece of lists(rowids)) {
    await db.deleteFrom('messages').where('account', '=', account).where('rowid', 'in', piece).execute()
  }
  await shrinkThreads(
    change,
    rows.map(({ thread }) => thread),
  )
  await leaveTombstones(change, rows)
  for (let from = 0; from < rows.length; from += messagesOfFact) {
    const messages = rows.slice(from, from + messagesOfFact)
    change.announce('mail_removed', {
      messages: messages.map(({ id, thread }) => ({ id: messageIdText(id), thread_id: threadIdText(thread) })),
    })
  }
  state.messages -= rows.length
  state.texts -= texts.length
  if (rows.length < removedAtOnce) state.round = Math.max(state.round, round + 1)
  return { removed: rows.length, round: state.round }
}
