/**
 * Two messages of one base subject belong together when at least one of them is an answer that names no message, and no more than 90
 * days are between them. Answers of that kind are looked at by their neighbours: what is near one of those is in its thread already.
 */
import { sql } from 'kysely'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import type { ThreadSets } from './thread-sets.ts'

const nearMs = 90 * 24 * 60 * 60 * 1000

export interface SubjectPlace {
  subjectHash: number | null
  isBareReply: boolean
  /** In milliseconds. */
  date: number
}

interface Neighbour {
  date: number
  thread: number
}

/** @param threads Those of the messages so far. */
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
  for (const [hash, same] of bySubject) {
    const isRelated = answered.has(hash) || same.some(({ message }) => message.isBareReply)
    if (!isRelated) continue
    uniteNear(same, sets)
    for (const { message, thread } of same) {
      for (const stored of await storedNear(owner, hash, message)) sets.uniteStored(thread, stored)
    }
  }
}

/** Among those of the batch itself. */
function uniteNear(same: readonly { message: SubjectPlace; thread: number }[], sets: ThreadSets): void {
  const replies = same.filter(({ message }) => message.isBareReply)
  for (const reply of replies) {
    for (const other of same) {
      if (Math.abs(reply.message.date - other.message.date) <= nearMs) sets.unite(reply.thread, other.thread)
    }
  }
}

/** Which of these subjects have an answer in the tables that names no message. */
async function withBareReplies({ db, account }: IndexOwner, hashes: number[]): Promise<Set<number>> {
  const found = new Set<number>()
  for (const piece of lists(hashes)) {
    const wanted = sql.join(piece.map(hash => sql`(cast(${hash} as bigint))`))
    const { rows } = await sql<{ hash: number }>`
      select column1 as hash from (values ${wanted}) wanted where exists (
        select 1 from messages where account = ${account} and is_bare_reply = 1 and subject_hash = column1)`.execute(db)
    for (const { hash } of rows) found.add(hash)
  }
  return found
}

async function storedNear(owner: IndexOwner, hash: number, { date, isBareReply }: SubjectPlace): Promise<number[]> {
  const before = await neighbour(owner, hash, date, 'before')
  const after = await neighbour(owner, hash, date, 'after')
  const threads = [before, after].filter(found => found !== undefined).map(({ thread }) => thread)
  if (!isBareReply) return threads
  // Only where no neighbour was before: each message of a subject is looked at a few times, however many there are.
  const from = before ? before.date + nearMs : date - nearMs
  const to = after ? after.date - nearMs : date + nearMs
  return [
    ...threads,
    ...(await threadsBetween(owner, hash, Math.max(from, date - nearMs), Math.min(to, date + nearMs))),
  ]
}

/** The nearest bare reply on one side, no more than 90 days away. */
async function neighbour(
  { db, account }: IndexOwner,
  hash: number,
  date: number,
  side: 'before' | 'after',
): Promise<Neighbour | undefined> {
  const isBefore = side === 'before'
  return db
    .selectFrom('messages')
    .select(['date', 'thread'])
    .where('account', '=', account)
    .where('is_bare_reply', '=', sql.lit(1))
    .where('subject_hash', '=', hash)
    .where('date', isBefore ? '<=' : '>=', date)
    .where('date', isBefore ? '>=' : '<=', isBefore ? date - nearMs : date + nearMs)
    .orderBy('date', isBefore ? 'desc' : 'asc')
    .limit(1)
    .executeTakeFirst()
}

async function threadsBetween({ db, account }: IndexOwner, hash: number, from: number, to: number): Promise<number[]> {
  if (from > to) return []
  const rows = await db
    .selectFrom('messages')
    .select('thread')
    .distinct()
    .where('account', '=', account)
    .where('subject_hash', '=', hash)
    .where('date', '>=', from)
    .where('date', '<=', to)
    .execute()
  return rows.map(({ thread }) => thread)
}
