/**
 * Selective conditions on places: flagged, unread, labelled or in a small folder. A database index has these places in
 * the order of their messages, so that a search with a common word need not visit each message that contains it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Span } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'
import type { SearchNode } from './search-tree.ts'

type Sql = RawBuilder<unknown>

export interface Marks {
  /** The table expression of the places, aliased `p`. */
  places: Sql
  /** The condition that these places meet. */
  condition: Sql
}

/** Marked places per bucket above which hits are checked one by one, since enough of them will match. */
const fewest = 1_000

interface MarksContext {
  account: number
  isSqlite: boolean
  foldersOf(name: string): readonly number[]
}

/** @param nodes Conditions on the same place. @param condition All of them, as SQL. */
export function marksOf(nodes: readonly SearchNode[], condition: Sql, context: MarksContext): Marks | undefined {
  const narrowest = indexOf(nodes, context)
  if (!narrowest) return undefined
  const { account, isSqlite } = context
  // Any of these indexes would do, and SQLite does not know which is the smallest.
  const index = isSqlite ? sql.raw(`indexed by ${narrowest.index}`) : sql``
  return {
    places: sql`places p ${index}`,
    condition: sql`p.account = ${account} and ${narrowest.implied} and ${condition}`,
  }
}

/**
 * Picks an index; `implied` repeats its condition literally, since SQLite cannot match a partial index by a parameter.
 */
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

/** Counts marked places up to a limit; if few, hits are searched among them. */
export async function countMarked(db: IndexDatabase, marks: Marks, span: Span): Promise<'none' | 'few' | 'many'> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select 1 ${placesBetween(marks, span)} limit ${BigInt(fewest + 1)}) counted`.execute(
    db,
  )
  const { count } = rows[0]!
  if (count === 0) return 'none'
  return count <= fewest ? 'few' : 'many'
}

/** Returns the messages with such places; undefined if there are more than `most`. */
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
