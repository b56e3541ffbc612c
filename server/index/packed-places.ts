/** Finds places of up to a thousand messages as typed arrays, since passing objects between threads is expensive. */
import { type RawBuilder, sql } from 'kysely'
import type { IndexOwner } from './change-log.ts'
import { readMessageIds } from './envelope.ts'
import { isSqlite } from './index-schema.ts'
import type { LocatedMessage, PackedPlaces } from './index-types.ts'
import { locateMessages } from './located-messages.ts'
import { messageIdBytes } from './message-identity.ts'

const nowhere = -1

/**
 * Returns places in the order of `ids`.
 * @param isRecognised Adds the properties that recognise messages elsewhere, which take longer to read.
 */
export async function packPlaces(
  owner: IndexOwner,
  ids: readonly string[],
  isRecognised: boolean,
): Promise<PackedPlaces> {
  if (!isSqlite(owner.db)) return packLocated(ids, await locateMessages(owner, ids, isRecognised), isRecognised)
  return isRecognised ? packRecognised(owner, ids) : (await packBare(owner, ids, nothingElse)).places
}

/** Additional columns to select from the row of a message. */
const nothingElse = sql``
const envelopes = sql`, m.date, m.size, m.envelope`

interface PlaceOfName {
  at: number
  folder: number | null
  uid: number | null
}

interface EnvelopeOfName {
  date: number
  size: number
  envelope: number
}

/** Packs the first folder of each message, whose flags lists show. A message in several folders has several rows. */
async function packBare<Else = unknown>(
  owner: IndexOwner,
  ids: readonly string[],
  columns: RawBuilder<unknown>,
): Promise<{ places: PackedPlaces; rows: (PlaceOfName & Else)[] }> {
  const { db, account } = owner
  const { rows: folders } = await sql<{ id: number; path: string; uidValidity: number }>`
    select id, path, uid_validity as uidValidity from folders where account = ${account} order by id`.execute(db)
  const numberOf = new Map(folders.map(({ id }, number) => [id, number]))
  const { rows } = await sql<PlaceOfName & Else>`
    select named.key as at, p.folder, p.uid${columns}
    from json_each(${JSON.stringify(ids.map(id => messageIdBytes(id)?.toString('hex') ?? ''))}) as named
    cross join messages as m
    left join places as p on p.account = ${account} and p.message = m.rowid
    where m.account = ${account} and substr(m.id, 1, 4) = unhex(substr(named.value, 1, 8)) and m.id = unhex(named.value)`.execute(
    db,
  )
  const places = noPlaces(ids.length)
  for (const { at, folder, uid } of rows) {
    places.there[at] = 1
    const number = folder === null ? nowhere : numberOf.get(folder)!
    // Folders are ordered by their numbers.
    if (places.folder[at] !== nowhere && places.folder[at]! <= number) continue
    places.folder[at] = number
    places.uid[at] = uid ?? 0
  }
  return { places: { ...places, folders: folders.map(({ path, uidValidity }) => ({ path, uidValidity })) }, rows }
}

async function packRecognised(owner: IndexOwner, ids: readonly string[]): Promise<PackedPlaces> {
  const { places, rows } = await packBare<EnvelopeOfName>(owner, ids, envelopes)
  const messageIdAt = await readMessageIds(
    owner,
    rows.map(({ envelope }) => envelope),
  )
  const recognised = noIdentities(ids.length)
  for (const { at, size, date, envelope } of rows) {
    recognised.sizes[at] = size
    recognised.dates[at] = date
    recognised.messageIds[at] = messageIdAt(envelope)
  }
  return { ...places, recognised }
}

function packLocated(ids: readonly string[], messages: readonly LocatedMessage[], isRecognised: boolean): PackedPlaces {
  const places = noPlaces(ids.length)
  const recognised = noIdentities(ids.length)
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
    recognised.sizes[at] = message.sizeBytes
    recognised.dates[at] = Date.parse(message.date)
    recognised.messageIds[at] = message.messageId
  }
  return isRecognised ? { ...places, recognised } : places
}

function noPlaces(count: number): PackedPlaces {
  const folder = new Int32Array(count).fill(nowhere)
  return { folders: [], there: new Uint8Array(count), folder, uid: new Uint32Array(count) }
}

function noIdentities(count: number): NonNullable<PackedPlaces['recognised']> {
  const messageIds = new Array<string | null>(count).fill(null)
  return { messageIds, sizes: new Float64Array(count), dates: new Float64Array(count) }
}
