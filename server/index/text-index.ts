/** Adds and removes message texts: compressed in blocks, and indexed for full-text search. */
import { lists, updateRows } from './bulk-rows.ts'
import type { IndexChange } from './change-log.ts'
import { readEnvelopes } from './envelope.ts'
import { fixedStatement } from './fixed-statement.ts'
import type { FullTextWriter, TextRow } from './full-text.ts'
import type { TextRecord } from './index-types.ts'
import { searchedText } from './message-index.ts'
import type { StoredPlace } from './place-index.ts'
import { appendTexts, removeFromBlocks } from './text-blocks.ts'

/** The text extracted from the parts of a message. */
export interface ReadText {
  text: string
  hasLink: boolean
}

export type TextReader = (record: TextRecord) => Promise<ReadText>

/** Columns from which the searchable text of a message is built. */
const searchedColumns = ['rowid', 'subject', 'from_json', 'envelope'] as const

/**
 * Removes the texts of the next messages from blocks and full-text search; headers stay.
 * @param above Continues after this row id. @returns The highest row id processed; undefined if there was none.
 */
export async function removeTexts(
  change: IndexChange,
  above: number,
  limit: number,
  fullText: FullTextWriter,
): Promise<number | undefined> {
  const { db, account } = change
  const messages = await db
    .selectFrom('messages')
    .select([...searchedColumns, 'text'])
    .where('account', '=', account)
    .where('rowid', '>', above)
    .where('text', 'is not', null)
    .orderBy('rowid')
    .limit(limit)
    .execute()
  const rows = messages.map(({ rowid }) => [rowid, 0, null])
  await removeFromBlocks(
    change,
    messages.flatMap(({ text }) => text ?? []),
  )
  await updateRows(db, account, { table: 'messages', keys: ['rowid'], sets: ['has_link', 'text'] }, rows)
  const envelopeAt = await readEnvelopes(
    change,
    messages.map(({ envelope }) => envelope),
  )
  await fullText.put(
    db,
    account,
    messages.map(message => searchedText(message, envelopeAt(message.envelope), null)),
  )
  change.state.texts -= rows.length
  return messages.at(-1)?.rowid
}

const textlessAt = fixedStatement((db, account: number, rowids: readonly number[]) =>
  db
    .selectFrom('messages')
    .select(searchedColumns)
    .where('account', '=', account)
    .where('rowid', 'in', rowids)
    .where('text', 'is', null),
)

/** Adds texts to messages of a folder that have none yet, since texts never change. Returns how many. */
export async function addTexts(
  change: IndexChange,
  texts: readonly TextRecord[],
  places: ReadonlyMap<number, StoredPlace>,
  { fullText, readText }: { fullText: FullTextWriter; readText: TextReader },
): Promise<number> {
  const { db, account } = change
  const records = new Map<number, TextRecord>()
  for (const text of texts) {
    const place = places.get(text.uid)
    if (place) records.set(place.message, text)
  }
  const searched: TextRow[] = []
  const kept: string[] = []
  const rows: unknown[][] = []
  for (const piece of lists([...records.keys()])) {
    const messages = await textlessAt(db, account, piece)
    const envelopeAt = await readEnvelopes(
      change,
      messages.map(({ envelope }) => envelope),
    )
    for (const message of messages) {
      const { text, hasLink } = await readText(records.get(message.rowid)!)
      searched.push(searchedText(message, envelopeAt(message.envelope), text))
      kept.push(text)
      rows.push([message.rowid, Number(hasLink)])
    }
  }
  const where = await appendTexts(change, kept)
  await updateRows(
    db,
    account,
    { table: 'messages', keys: ['rowid'], sets: ['has_link', 'text'] },
    rows.map((row, index) => [...row, where[index]]),
  )
  await fullText.put(db, account, searched)
  change.state.texts += rows.length
  return rows.length
}
