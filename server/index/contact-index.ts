/** Contacts of a mailbox's owner: how often each address wrote and was written to, counted as messages come and go. */

import { type RawBuilder, sql } from 'kysely'
import { lowerAscii } from '../../contract/ascii-case.ts'
import { insertRows, lists } from './bulk-rows.ts'
import type { IndexChange, IndexOwner } from './change-log.ts'
import { addressesOf, type Envelope } from './envelope.ts'
import { fixedStatement } from './fixed-statement.ts'
import { fold } from './fulltext.ts'
import { isSqlite } from './index-schema.ts'
import type { ContactRow, MessageRow } from './index-tables.ts'
import type { IndexedContact } from './index-types.ts'

/** Contacts per account; past it, those that were never written to are evicted, least recent senders first. */
export const maxContacts = 50_000
const evictedAtOnce = 1_000
const maxName = 200
const maxEmail = 320
/** Words of a query that are used; each is a prefix of a word in the name or address. */
const maxWords = 5

/** Fields of a message that are needed to count its contacts. */
export interface ContactMessage extends Pick<MessageRow, 'from_json' | 'is_own' | 'date'> {
  envelope: Pick<Envelope, 'to' | 'cc' | 'bcc'>
}

interface Share {
  name: string | null
  /** Date of the message that used the name, in milliseconds. */
  namedAt: number
  wrote: number
  written: number
  lastWrote: number | null
  lastWritten: number | null
}

const columns = ['account', 'email', 'name', 'words', 'wrote', 'written', 'last_wrote', 'last_written'] as const
const update = columns
  .slice(2)
  .map(name => `${name} = excluded.${name}`)
  .join(', ')

export function addressKey(email: string): string | undefined {
  const key = lowerAscii(email.replaceAll('\0', '').trim())
  return /^[^\s@]+@[^\s@]+$/.test(key) && key.length <= maxEmail ? key : undefined
}

/**
 * Counts the people of a batch's new messages. @param own Addresses of the owner, which are not contacts.
 * @returns For each message, whether all its senders were unknown before.
 */
export async function addContacts(
  change: IndexChange,
  messages: readonly ContactMessage[],
  own: ReadonlySet<string>,
): Promise<boolean[]> {
  const shares = sharesOf(messages, own)
  const known = await findContacts(change, [...shares.keys()])
  const seen = new Set<string>(known.keys())
  const firsts = messages.map(message => {
    const senders = message.is_own === 1 ? [] : keysOf(message.from_json).filter(email => !own.has(email))
    const isFirst = senders.length > 0 && senders.every(email => !seen.has(email))
    for (const email of senders) seen.add(email)
    return isFirst
  })
  const rows = [...shares].map(([email, share]) => rowOf(change.account, email, share, known.get(email)))
  await insertRows(change.db, 'contacts', columns, rows, `on conflict (account, email) do update set ${update}`)
  change.state.contacts += shares.size - known.size
  if (change.state.contacts > maxContacts) await evictContacts(change)
  return firsts
}

/** Subtracts messages that are in no folder any more. The dates of last contact are not recalculated. */
export async function removeContacts(change: IndexChange, messages: readonly ContactMessage[]): Promise<void> {
  const { db, account } = change
  const shares = sharesOf(messages, new Set())
  const known = await findContacts(change, [...shares.keys()])
  const rows = [...known.values()].map(row => {
    const { wrote, written } = shares.get(row.email)!
    return { ...row, wrote: Math.max(0, row.wrote - wrote), written: Math.max(0, row.written - written) }
  })
  const values = rows.map(row => columns.map(name => row[name]))
  await insertRows(db, 'contacts', columns, values, `on conflict (account, email) do update set ${update}`)
  const gone = rows.filter(({ wrote, written }) => wrote + written === 0).map(({ email }) => email)
  for (const piece of lists(gone)) {
    await db.deleteFrom('contacts').where('account', '=', account).where('email', 'in', piece).execute()
  }
  change.state.contacts -= gone.length
}

/** Lists contacts: those written to first, then by frequency, then by last contact. */
export async function listContacts(
  { db, account }: IndexOwner,
  { query, limit }: { query: string; limit: number },
): Promise<IndexedContact[]> {
  const words = fold(query.replaceAll('\0', ''))
    .split(/\s+/)
    .filter(word => word !== '')
    .slice(0, maxWords)
  const matches = words.map((word): RawBuilder<unknown> => {
    return sql`words like ${`% ${word.replaceAll(/[\\%_]/g, '\\$&')}%`} escape '\\'`
  })
  // Byte order, as in SQLite.
  const inOrder = isSqlite(db) ? sql`email` : sql`email collate "C"`
  const found = sql.join([sql`account = ${account}`, ...matches], sql` and `)
  const { rows } = await sql<ContactRow>`
    select email, name, wrote, written, last_wrote, last_written from contacts where ${found}
    order by case when written > 0 then 0 else 1 end, wrote + 2 * written desc,
      coalesce(last_written, 0) + coalesce(last_wrote, 0) desc, ${inOrder}
    limit ${limit}`.execute(db)
  return rows.map(({ email, name, wrote, written, last_wrote, last_written }) => ({
    email,
    name,
    wrote,
    writtenTo: written,
    lastWrote: last_wrote,
    lastWrittenTo: last_written,
  }))
}

const contactsAt = fixedStatement((db, account: number, emails: readonly string[]) =>
  db.selectFrom('contacts').selectAll().where('account', '=', account).where('email', 'in', emails),
)

async function findContacts({ db, account }: IndexOwner, emails: readonly string[]): Promise<Map<string, ContactRow>> {
  const found = new Map<string, ContactRow>()
  for (const piece of lists(emails)) {
    for (const row of await contactsAt(db, account, piece)) found.set(row.email, row)
  }
  return found
}

function sharesOf(messages: readonly ContactMessage[], own: ReadonlySet<string>): Map<string, Share> {
  const shares = new Map<string, Share>()
  for (const message of messages) {
    const { date } = message
    const isOwn = message.is_own === 1
    const { to, cc, bcc } = message.envelope
    const people = isOwn ? [...to, ...cc, ...bcc] : addressesOf(message.from_json)
    // A recipient named twice in a message counts once.
    const named = new Map(
      people.flatMap(({ name, email }) => {
        const key = addressKey(email)
        return key === undefined || own.has(key) ? [] : [[key, name] as const]
      }),
    )
    for (const [email, name] of named) {
      const share = shares.get(email) ?? newShare()
      const shown = nameOf(name)
      if (shown !== null && date >= share.namedAt) Object.assign(share, { name: shown, namedAt: date })
      if (isOwn) {
        share.written++
        share.lastWritten = Math.max(share.lastWritten ?? date, date)
      } else {
        share.wrote++
        share.lastWrote = Math.max(share.lastWrote ?? date, date)
      }
      shares.set(email, share)
    }
  }
  return shares
}

function newShare(): Share {
  const none = { wrote: 0, written: 0, lastWrote: null, lastWritten: null }
  return { ...none, name: null, namedAt: Number.NEGATIVE_INFINITY }
}

function rowOf(account: number, email: string, share: Share, known: ContactRow | undefined): unknown[] {
  const lastBefore = Math.max(known?.last_wrote ?? 0, known?.last_written ?? 0)
  const isNewer = share.name !== null && share.namedAt >= lastBefore
  const name = isNewer ? share.name : (known?.name ?? share.name)
  return [
    account,
    email,
    name,
    wordsOf(name, email),
    (known?.wrote ?? 0) + share.wrote,
    (known?.written ?? 0) + share.written,
    later(known?.last_wrote ?? null, share.lastWrote),
    later(known?.last_written ?? null, share.lastWritten),
  ]
}

function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other)
}

/** Words of the name, the address and its domain, each after a blank, so that one `like '% prefix%'` finds them. */
function wordsOf(name: string | null, email: string): string {
  const folded = fold(name ?? '')
  const parts = folded.split(/[^\p{L}\p{M}\p{N}]+/u)
  const words = new Set([...folded.split(/\s+/), ...parts, fold(email), fold(email.split('@')[1] ?? '')])
  words.delete('')
  return ` ${[...words].join(' ')}`
}

function nameOf(name: string | null): string | null {
  const shown = name?.replaceAll('\0', '').trim().slice(0, maxName).toWellFormed()
  return shown === undefined || shown === '' ? null : shown
}

function keysOf(json: string): string[] {
  return addressesOf(json).flatMap(({ email }) => addressKey(email) ?? [])
}

async function evictContacts(change: IndexChange): Promise<void> {
  const { db, account } = change
  const oldest = await db
    .selectFrom('contacts')
    .select('email')
    .where('account', '=', account)
    .where('written', '=', 0)
    .orderBy('last_wrote')
    .limit(evictedAtOnce)
    .execute()
  for (const piece of lists(oldest.map(({ email }) => email))) {
    await db.deleteFrom('contacts').where('account', '=', account).where('email', 'in', piece).execute()
  }
  change.state.contacts -= oldest.length
}
