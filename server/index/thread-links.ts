/**
 * Assigns messages to threads: by shared Message-IDs in References and In-Reply-To, or as a last resort, for replies
 * without any, by base subject. The result does not depend on the order in which messages arrive.
 */

import { baseSubject } from './base-subject.ts'
import { insertRows, lists, updateRows } from './bulk-rows.ts'
import { type IndexChange, type IndexOwner, keepsCreated } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import type { MessageRecord } from './index-types.ts'
import { shortHash } from './message-identity.ts'
import { ThreadSets } from './thread-sets.ts'
import { type SubjectPlace, subjectThreads } from './thread-subjects.ts'

/** The data of a message that determines its thread. */
export interface ThreadClues extends SubjectPlace {
  /** Hashes of its Message-ID and those it refers to. */
  links: number[]
  /** Id of its thread if it is the first message there. */
  name: number
}

/** A thread merged into another, because a message that connects them arrived later. */
export interface MergedThread {
  from: number
  into: number
}

/**
 * @param id The message's id, its link if it has no Message-ID and refers to none.
 * @param hashes Cache of hashes by Message-ID for one batch, since messages of a thread refer to the same ones.
 */
export function threadClues(record: MessageRecord, id: Uint8Array, hashes = new Map<string, number>()): ThreadClues {
  const named = [...record.references, ...idsIn(record.inReplyTo)].map(bare).filter(each => each !== '')
  const own = record.messageId === null ? [] : [bare(record.messageId)].filter(each => each !== '')
  const links = [...new Set([...named, ...own])].map(each => {
    const hash = hashes.get(each) ?? shortHash(`<${each}>`)
    hashes.set(each, hash)
    return hash
  })
  // Each thread has a link equal to its id, so that no other thread gets that id.
  if (links.length === 0) links.push(shortHash(`id ${Buffer.from(id).toString('hex')}`))
  const { text, isReply } = baseSubject(record.subject)
  return {
    links,
    // The first reference is the root of the thread, so the id rarely depends on the order of arrival.
    name: links[0]!,
    subjectHash: text === '' ? null : shortHash(`subject ${text}`),
    isBareReply: text !== '' && isReply && named.length === 0,
    date: Date.parse(record.date) || 0,
  }
}

/** Assigns threads to messages that are not stored yet, in order; merges stored threads that turn out to be one. */
export async function assignThreads(
  change: IndexChange,
  messages: readonly ThreadClues[],
): Promise<{ threads: number[]; merged: MergedThread[] }> {
  if (messages.length === 0) return { threads: [], merged: [] }
  const known = await threadsOfLinks(change, [...new Set(messages.flatMap(({ links }) => links))])
  const sets = new ThreadSets(known.values())
  const ofLink = new Map(known)
  const first = messages.map(({ links, name }) => {
    const named = links.map(link => ofLink.get(link)).filter(thread => thread !== undefined)
    const thread = named[0] ?? name
    for (const other of named) sets.unite(thread, other)
    for (const link of links) ofLink.set(link, thread)
    return thread
  })
  await subjectThreads(change, messages, first, sets)
  const merged = await mergeThreads(change, sets)
  const threads = first.map(thread => sets.find(thread))
  const { db, account } = change
  const links = [...ofLink].filter(([link]) => !known.has(link))
  await insertRows(
    db,
    'thread_links',
    ['account', 'hash', 'thread'],
    links.map(([link, thread]) => [account, link, storedThread(link, sets.find(thread))]),
  )
  await countMessages(change, countsOf(threads))
  return { threads, merged }
}

/** Subtracts removed messages from their threads, one per entry; deletes empty threads with their links. */
export async function shrinkThreads(change: IndexChange, threads: readonly number[]): Promise<void> {
  const { db, account } = change
  const counts = countsOf(threads)
  await countMessages(change, new Map([...counts].map(([thread, count]) => [thread, -count])))
  for (const piece of lists([...counts.keys()])) {
    const empty = await db
      .deleteFrom('threads')
      .where('account', '=', account)
      .where('id', 'in', piece)
      .where('messages', '<=', 0)
      .returning('id')
      .execute()
    for (const gone of lists(empty.map(({ id }) => id))) {
      const ofThreads = db.deleteFrom('thread_links').where('account', '=', account)
      await ofThreads.where('thread', 'in', gone).execute()
      await ofThreads.where('hash', 'in', gone).where('thread', 'is', null).execute()
    }
  }
}

/** Returns null for a link equal to its thread, which is the case for most threads, to save space. */
function storedThread(link: number, thread: number): number | null {
  return link === thread ? null : thread
}

const linksAt = fixedStatement((db, account: number, hashes: readonly number[]) =>
  db.selectFrom('thread_links').select(['hash', 'thread']).where('account', '=', account).where('hash', 'in', hashes),
)

async function threadsOfLinks({ db, account }: IndexOwner, links: number[]): Promise<Map<number, number>> {
  const known = new Map<number, number>()
  for (const piece of lists(links)) {
    for (const { hash, thread } of await linksAt(db, account, piece)) known.set(hash, thread ?? hash)
  }
  return known
}

/** Merges stored threads; the largest keeps its id, since all messages of the others are rewritten. */
async function mergeThreads(change: IndexChange, sets: ThreadSets): Promise<MergedThread[]> {
  const { db, account } = change
  const merged: MergedThread[] = []
  for (const stored of sets.storedTogether()) {
    const rows: { id: number; messages: number }[] = []
    for (const piece of lists(stored)) {
      const found = db.selectFrom('threads').select(['id', 'messages']).where('account', '=', account)
      rows.push(...(await found.where('id', 'in', piece).execute()))
    }
    const [into, ...others] = rows
      .toSorted((one, other) => other.messages - one.messages || one.id - other.id)
      .map(({ id }) => id)
    if (into === undefined) continue
    sets.rename(into)
    for (const from of others) {
      await moveMessages(change, from, into)
      merged.push({ from, into })
    }
  }
  return merged
}

async function moveMessages(change: IndexChange, from: number, into: number): Promise<void> {
  const { db, account } = change
  const messages = await db
    .selectFrom('messages')
    .select('rowid')
    .where('account', '=', account)
    .where('thread', '=', from)
    .execute()
  await updateRows(
    db,
    account,
    { table: 'messages', keys: ['rowid'], sets: ['thread', 'modseq'], expressions: keepsCreated },
    messages.map(({ rowid }) => [rowid, into, change.nextModseq()]),
  )
  const links = db.updateTable('thread_links').where('account', '=', account)
  await links.set({ thread: into }).where('thread', '=', from).execute()
  await links.set({ thread: into }).where('hash', '=', from).where('thread', 'is', null).execute()
  await db.deleteFrom('threads').where('account', '=', account).where('id', '=', from).execute()
  await countMessages(change, new Map([[into, messages.length]]))
}

async function countMessages({ db, account }: IndexOwner, counts: ReadonlyMap<number, number>): Promise<void> {
  await insertRows(
    db,
    'threads',
    ['account', 'id', 'messages'],
    [...counts].map(([thread, count]) => [account, thread, count]),
    'on conflict (account, id) do update set messages = threads.messages + excluded.messages',
  )
}

function countsOf(threads: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const thread of threads) counts.set(thread, (counts.get(thread) ?? 0) + 1)
  return counts
}

/** Extracts ids from In-Reply-To, which may hold several, with text around them. */
function idsIn(field: string | null): string[] {
  if (field === null) return []
  return field.match(/<[^<>]+>/g) ?? [field]
}

function bare(id: string): string {
  return id.replace(/[\s<>]/g, '')
}
