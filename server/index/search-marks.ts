/**
 * Conditions on places that few may meet: what is flagged, unread, labelled or in a small folder. An index knows these places in the
 * order of their messages, so that a search with a common word does not look at each message that has it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Span } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'
import type { SearchNode } from './search-tree.ts'

type Sql = RawBuilder<unknown>

export interface Marks {
  /** The table, as `p`. */
  places: Sql
  /** What such a place meets. */
  condition: Sql
}

/** Beyond so many in a bucket, hits with the word are looked at one by one: enough of them will do. */
const fewest = 1_000

interface MarksContext {
  account: number
  isSqlite: boolean
  foldersOf(name: string): readonly number[]
}

/** @param nodes Conditions on one and the same place. @param condition All of them. */
export function marksOf(nodes: readonly SearchNode[], condition: Sql, context: MarksContext): Marks | undefined {
  const narrowest = indexOf(nodes, context)
  if (!narrowest) return undefined
  const { account, isSqlite } = context
  // Each of them serves, and SQLite does not know which one is the smallest.
  const index = isSqlite ? sql.raw(`indexed by ${narrowest.index}`) : sql``
  return {
    places: sql`places p ${index}`,
    condition: sql`p.account = ${account} and ${narrowest.implied} and ${condition}`,
  }
}

/** With the condition of the index as it is written there: a parameter would not show that it is met. */
function indexOf(
  nodes: readonly SearchNode[],
  { foldersOf }: MarksContext,
): { index: string; implied: Sql } | undefined {
  for (const node of nodes) {
    if (node.kind === 'label') return { index: 'places_marked', implied: sql.raw('p.keywords_json is not null') }
    if (node.kind === 'flag' && node.isSet && ['flagged', 'answered', 'draft'].includes(node.flag)) {
      return { index: 'places_marked', implied: sql.raw(`p.${node.flag} = 1`) }
    }
  }
  if (nodes.some(node => node.kind === 'flag' && node.flag === 'seen' && !node.isSet)) {
    return { index: 'places_unread', implied: sql.raw('p.seen = 0') }
  }
  const folder = nodes.find(node => node.kind === 'folder')
  const ids = folder && foldersOf(folder.folder)
  if (!ids || ids.length === 0) return undefined
  return { index: 'places_by_date', implied: sql`p.folder in (${sql.join(ids)})` }
}

export function placesBetween({ places, condition }: Marks, [low, high]: Span): Sql {
  return sql`from ${places} where ${condition} and p.message >= ${BigInt(low)} and p.message < ${BigInt(high)}`
}

/** How many there are: none, few enough that hits are looked for among them, or more. */
export async function countMarked(db: IndexDatabase, marks: Marks, span: Span): Promise<'none' | 'few' | 'many'> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select 1 ${placesBetween(marks, span)} limit ${BigInt(fewest + 1)}) counted`.execute(
    db,
  )
  const { count } = rows[0]!
  if (count === 0) return 'none'
  return count <= fewest ? 'few' : 'many'
}

/** The messages with such places, as far as there are no more than this. */
export async function markedMessages(
  db: IndexDatabase,
  marks: Marks,
  span: Span,
  most: number,
): Promise<ReadonlySet<number> | undefined> {
  const { rows } = await sql<{ message: number }>`
    select p.message ${placesBetween(marks, span)} limit ${BigInt(most + 1)}`.execute(db)
  return rows.length > most ? undefined : new Set(rows.map(({ message }) => message))
}
