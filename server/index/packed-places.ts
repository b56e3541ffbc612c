/** Finds up to a thousand messages as typed arrays, since passing objects between threads is expensive. */
import { type RawBuilder, sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { readMessageIds } from './envelope.ts'
import { isSqlite } from './index-schema.ts'
import type { LocatedMessage, PackedIdentities, PackedPlaces } from './index-types.ts'
import { locateMessages } from './located-messages.ts'
import { messageIdBytes } from './message-identity.ts'

const nowhere = -1

/** Returns places in the order of `ids`. */
export async function packPlaces(owner: IndexOwner, ids: readonly string[]): Promise<PackedPlaces> {
  return isSqlite(owner.db) ? packBare(owner, ids) : packLocated(ids, await locateMessages(owner, ids, false))
}

/** Returns what recognises messages in another folder, in the order of `ids`; that takes longer than their places. */
export async function packIdentities(owner: IndexOwner, ids: readonly string[]): Promise<PackedIdentities> {
  if (!isSqlite(owner.db)) return identitiesOfLocated(ids, await locateMessages(owner, ids, true))
  const { rows } = await sql<IdentityOfName>`
    select named.key as at, m.date, m.size, m.envelope from ${named(owner, ids)}`.execute(owner.db)
  const messageIdAt = await readMessageIds(
    owner,
    rows.map(({ envelope }) => envelope),
  )
  const packed = noIdentities(ids.length)
  for (const { at, size, date, envelope } of rows) {
    packed.there[at] = 1
    packed.sizes[at] = size
    packed.dates[at] = date
    packed.messageIds[at] = messageIdAt(envelope)
  }
  return packed
}

/** Joins the messages with these ids, each with its index in `ids` as `named.key`. @param join More to join. */
function named({ account }: IndexOwner, ids: readonly string[], join = sql``): RawBuilder<unknown> {
  return sql`json_each(${JSON.stringify(ids.map(id => messageIdBytes(id)?.toString('hex') ?? ''))}) as named
    cross join messages as m ${join}
    where m.account = ${account} and substr(m.id, 1, 4) = unhex(substr(named.value, 1, 8)) and m.id = unhex(named.value)`
}

interface PlaceOfName {
  at: number
  folder: number | null
  uid: number | null
}

interface IdentityOfName {
  at: number
  date: number
  size: number
  envelope: number
}

/** Packs the first folder of each message, whose flags lists show. A message in several folders has several rows. */
async function packBare(owner: IndexOwner, ids: readonly string[]): Promise<PackedPlaces> {
  const { db, account } = owner
  const { rows: folders } = await sql<{ id: number; path: string; uidValidity: number }>`
    select id, path, uid_validity as uidValidity from folders where account = ${account} order by id`.execute(db)
  const numberOf = new Map(folders.map(({ id }, number) => [id, number]))
  const join = sql`left join places as p on p.account = ${account} and p.message = m.rowid`
  const { rows } = await sql<PlaceOfName>`
    select named.key as at, p.folder, p.uid from ${named(owner, ids, join)}`.execute(db)
  const places = noPlaces(ids.length)
  for (const { at, folder, uid } of rows) {
    places.there[at] = 1
    const number = folder === null ? nowhere : numberOf.get(folder)!
    // Folders are ordered by their numbers.
    if (places.folder[at] !== nowhere && places.folder[at]! <= number) continue
    places.folder[at] = number
    places.uid[at] = uid ?? 0
  }
  return { ...places, folders: folders.map(({ path, uidValidity }) => ({ path, uidValidity })) }
}

function packLocated(ids: readonly string[], messages: readonly LocatedMessage[]): PackedPlaces {
  const places = noPlaces(ids.length)
  const byId = new Map(messages.map(message => [message.id, message]))
  const folders = new Map<string, number>()
  const numberOf = ({ path, uidValidity }: { path: string; uidValidity: number }) => {
    const key = `${uidValidity}:${path}`
    const number = folders.get(key) ?? folders.size
    if (number === folders.size) places.folders.push({ path, uidValidity })
    folders.set(key, number)
    return number
  }
  for (const [at, id] of ids.entries()) {
    const message = byId.get(id)
    if (!message) continue
    const [first] = message.places
    places.there[at] = 1
    places.folder[at] = first ? numberOf(first) : nowhere
    places.uid[at] = first?.uid ?? 0
  }
  return places
}

function identitiesOfLocated(ids: readonly string[], messages: readonly LocatedMessage[]): PackedIdentities {
  const packed = noIdentities(ids.length)
  const byId = new Map(messages.map(message => [message.id, message]))
  for (const [at, id] of ids.entries()) {
    const message = byId.get(id)
    if (!message) continue
    packed.there[at] = 1
    packed.sizes[at] = message.sizeBytes
    packed.dates[at] = Date.parse(message.date)
    packed.messageIds[at] = message.messageId
  }
  return packed
}

function noPlaces(count: number): PackedPlaces {
  const folder = new Int32Array(count).fill(nowhere)
  return { folders: [], there: new Uint8Array(count), folder, uid: new Uint32Array(count) }
}

function noIdentities(count: number): PackedIdentities {
  const messageIds = new Array<string | null>(count).fill(null)
  return { there: new Uint8Array(count), messageIds, sizes: new Float64Array(count), dates: new Float64Array(count) }
}
