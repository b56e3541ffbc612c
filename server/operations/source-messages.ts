/** The messages of a group as they are on the mail server now. A group is of one folder and one change. */
import type { FlagStanding, WriteTarget } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { holdsUid, rangesOfUids } from '../imap/uid-ranges.ts'
import { Problem } from '../platform/problem.ts'
import type { Identity, ItemRow, Place, PlacedItem } from './operation-tables.ts'

/** UIDs of one `headersOf`. */
const headersAtOnce = 200

export type Values = Partial<ItemRow>
/** What becomes of each item of a group. */
export type Verdicts = Map<PlacedItem, Values>

export function writeTarget(items: readonly PlacedItem[], sent?: () => void): WriteTarget {
  const [{ path, uid_validity: uidValidity }] = items as [PlacedItem]
  return { path, uidValidity, uids: items.map(({ uid }) => uid), ...(sent && { sent }) }
}

/**
 * By UID, for those that are there.
 * @throws Problem `stale_ref` when the folder was recreated.
 */
export async function flagsOf(connection: MailConnection, places: readonly Place[]): Promise<Map<number, string[]>> {
  const [{ path, uidValidity }] = places as [Place]
  const uids = rangesOfUids(places.map(({ uid }) => uid))
  const now = await connection.changes.changesSince(path, { uidValidity, modseq: undefined, uids })
  if (now.uidValidity !== uidValidity) {
    throw recreated()
  }
  const wanted = new Set(places.map(({ uid }) => uid))
  return new Map(now.changed.filter(({ uid }) => wanted.has(uid)).map(({ uid, flags }) => [uid, flags.filter(isKept)]))
}

/** How these messages stand, with these flags alone. @throws Problem `stale_ref` when the folder was recreated. */
export async function standingOf(
  connection: MailConnection,
  places: readonly Place[],
  flags: readonly string[] = [],
): Promise<FlagStanding> {
  const [{ path, uidValidity }] = places as [Place]
  const uids = rangesOfUids(places.map(({ uid }) => uid))
  const now = await connection.changes.flagStanding(path, uids, flags)
  if (now.uidValidity !== uidValidity) throw recreated()
  return now
}

/** Which of the flags a message has; undefined for one that is not there. */
export function flagsIn({ there, having }: FlagStanding, uid: number): string[] | undefined {
  if (!holdsUid(there, uid)) return undefined
  return [...having].filter(([, uids]) => holdsUid(uids, uid)).map(([flag]) => flag)
}

function recreated(): Problem {
  return new Problem('stale_ref', 'The folder was recreated on the mail server since the message was listed.')
}

/** The server sets `\Recent` for itself. */
function isKept(flag: string): boolean {
  return flag.toLowerCase() !== '\\recent'
}

/** Of those of which the index did not say by what they are recognised in another folder: as the mail server says. */
export async function identitiesOf(
  connection: MailConnection,
  items: readonly PlacedItem[],
): Promise<Map<number, Identity>> {
  const identities = new Map<number, Identity>()
  const missing: number[] = []
  for (const { uid, identity } of items) if (identity === null) missing.push(uid)
  for (let at = 0; at < missing.length; at += headersAtOnce) {
    const uids = missing.slice(at, at + headersAtOnce)
    const { headers } = await connection.changes.headersOf(items[0]!.path, uids)
    for (const { uid, messageId, sizeBytes, date } of headers) identities.set(uid, { messageId, sizeBytes, date })
  }
  return identities
}

export const gone: Values = { state: 'gone', code: 'message_not_found', why: 'The message is not there any more.' }
