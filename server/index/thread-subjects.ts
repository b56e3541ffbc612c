/**
 * Threads messages by subject: two with the same base subject belong together if they are at most 90 days apart and one
 * is a bare reply, which refers to no message. Only the neighbours of bare replies are examined: messages near those
 * are in their threads.
 */
import { type RawBuilder, sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { compilable, fixedStatement } from './fixed-statement.ts'
import type { ThreadSets } from './thread-sets.ts'

const nearMs = 90 * 24 * 60 * 60 * 1000

export interface SubjectPlace {
  subjectHash: number | null
  isBareReply: boolean
  /** INTERNALDATE in milliseconds. */
  date: number
}

interface Neighbour {
  date: number
  thread: number
}

/** Unites threads by subject. @param threads Threads assigned to `messages` so far. */
export async function subjectThreads(
  owner: IndexOwner,
  messages: readonly SubjectPlace[],
  threads: readonly number[],
  sets: ThreadSets,
): Promise<void> {
  const bySubject = new Map<number, { message: SubjectPlace; thread: number }[]>()
  for (const [index, message] of messages.entries()) {
    if (message.subjectHash === null) continue
    const same = bySubject.get(message.subjectHash)
    const entry = { message, thread: threads[index]! }
    if (same) same.push(entry)
    else bySubject.set(message.subjectHash, [entry])
  }
  const answered = await withBareReplies(owner, [...bySubject.keys()])
  const related = [...bySubject].filter(
    ([hash, same]) => answered.has(hash) || same.some(({ message }) => message.isBareReply),
  )
  for (const [, same] of related) uniteNear(same, sets)
  const found = related.flatMap(([hash, same]) => same.map(({ message, thread }) => ({ ...message, hash, thread })))
  const [before, after] = [await neighbours(owner, found, 'before'), await neighbours(owner, found, 'after')]
  for (const [index, { hash, date, isBareReply, thread }] of found.entries()) {
    const near = { before: before.get(index), after: after.get(index) }
    for (const each of [near.before, near.after]) if (each) sets.uniteStored(thread, each.thread)
    if (!isBareReply) continue
    for (const stored of await threadsNear(owner, hash, date, near)) sets.uniteStored(thread, stored)
  }
}

/** Unites messages within the batch. */
function uniteNear(same: readonly { message: SubjectPlace; thread: number }[], sets: ThreadSets): void {
  const replies = same.filter(({ message }) => message.isBareReply)
  for (const reply of replies) {
    for (const other of same) {
      if (Math.abs(reply.message.date - other.message.date) <= nearMs) sets.unite(reply.thread, other.thread)
    }
  }
}

/** Returns those of the subjects that have a stored bare reply. */
async function withBareReplies({ db, account }: IndexOwner, hashes: number[]): Promise<Set<number>> {
  const found = new Set<number>()
  for (const piece of lists(hashes)) {
    for (const { hash } of await bareRepliesTo(db, account, piece)) found.add(hash)
  }
  return found
}

const bareRepliesTo = fixedStatement((db, account: number, hashes: readonly number[]) => {
  const wanted = sql.join(hashes.map(hash => sql`(cast(${hash} as bigint))`))
  return compilable(
    db,
    sql<{ hash: number }>`select column1 as hash from (values ${wanted}) wanted where exists (
      select 1 from messages where account = ${account} and is_bare_reply = 1 and subject_hash = column1)`,
  )
})

/**
 * Returns threads near a bare reply, outside the range that its neighbours cover, so that each message is visited a few
 * times only.
 */
function threadsNear(
  owner: IndexOwner,
  hash: number,
  date: number,
  { before, after }: { before: Neighbour | undefined; after: Neighbour | undefined },
): Promise<number[]> {
  const from = before ? before.date + nearMs : date - nearMs
  const to = after ? after.date - nearMs : date + nearMs
  return threadsBetween(owner, hash, Math.max(from, date - nearMs), Math.min(to, date + nearMs))
}

/**
 * Finds for each message, by its index in the list, the nearest stored bare reply on one side, at most 90 days away.
 */
async function neighbours(
  { db, account }: IndexOwner,
  messages: readonly { hash: number; date: number }[],
  side: 'before' | 'after',
): Promise<Map<number, Neighbour>> {
  const found = new Map<number, Neighbour>()
  for (const piece of lists(messages.map((message, index) => ({ ...message, index })))) {
    const [indexes, hashes, dates] = (['index', 'hash', 'date'] as const).map(name => piece.map(each => each[name]))
    const rows = await neighboursOn[side](db, account, indexes!, hashes!, dates!)
    for (const { at, date, thread } of rows) found.set(at, { date, thread })
  }
  return found
}

const neighboursOn = {
  before: neighbourStatement(sql`date <= column3`, sql`date >= column3 - ${sql.lit(nearMs)}`, sql`date desc`),
  after: neighbourStatement(sql`date >= column3`, sql`date <= column3 + ${sql.lit(nearMs)}`, sql`date`),
}

type Numbers = readonly number[]

function neighbourStatement(nearest: RawBuilder<unknown>, furthest: RawBuilder<unknown>, order: RawBuilder<unknown>) {
  return fixedStatement((db, account: number, indexes: Numbers, hashes: Numbers, dates: Numbers) => {
    const wanted = indexes.map((index, at) => {
      return sql`(cast(${index} as bigint), cast(${hashes[at]} as bigint), cast(${dates[at]} as bigint))`
    })
    return compilable(
      db,
      sql<
        Neighbour & { at: number }
      >`select column1 as at, date, thread from (values ${sql.join(wanted)}) wanted, messages
        where account = ${account} and rowid = (
          select rowid from messages where account = ${account} and is_bare_reply = 1 and subject_hash = column2
          and ${nearest} and ${furthest} order by ${order} limit 1)`,
    )
  })
}

async function threadsBetween({ db, account }: IndexOwner, hash: number, from: number, to: number): Promise<number[]> {
  if (from > to) return []
  return (await threadsOfSubject(db, account, hash, from, to)).map(({ thread }) => thread)
}

const threadsOfSubject = fixedStatement((db, account: number, hash: number, from: number, to: number) =>
  db
    .selectFrom('messages')
    .select('thread')
    .distinct()
    .where('account', '=', account)
    .where('subject_hash', '=', hash)
    .where('date', '>=', from)
    .where('date', '<=', to),
)
