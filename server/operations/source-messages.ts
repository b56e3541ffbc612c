/** Reads the messages of a group, which share one folder and one change, from the mail server. */
import type { FlagStanding, WriteTarget } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { holdsUid, rangesOfUids } from '../imap/uid-ranges.ts'
import { Problem } from '../platform/problem.ts'
import type { Identity, ItemRow, Place, PlacedItem } from './operation-tables.ts'

/** UIDs per call of `headersOf`. */
const headersAtOnce = 200

export type Values = Partial<ItemRow>
/** The outcome for each item of a group. */
export type Verdicts = Map<PlacedItem, Values>

export function writeTarget(items: readonly PlacedItem[], sent?: () => void): WriteTarget {
  const [{ path, uid_validity: uidValidity }] = items as [PlacedItem]
  return { path, uidValidity, uids: items.map(({ uid }) => uid), ...(sent && { sent }) }
}

/**
 * Returns flags by UID, for the messages that exist.
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

/**
 * Reads which messages exist and which of the flags they have.
 * @throws Problem `stale_ref` when the folder was recreated.
 */
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

/** Returns which of the flags a message has; undefined if it does not exist. */
export function flagsIn({ there, having }: FlagStanding, uid: number): string[] | undefined {
  if (!holdsUid(there, uid)) return undefined
  return [...having].filter(([, uids]) => holdsUid(uids, uid)).map(([flag]) => flag)
}

function recreated(): Problem {
  return new Problem('stale_ref', 'The folder was recreated on the mail server since the message was listed.')
}

/** Excludes `\Recent`, which only the server sets. */
function isKept(flag: string): boolean {
  return flag.toLowerCase() !== '\\recent'
}

/** Reads the identities that the index did not have from the mail server. @returns By UID. */
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

export const gone: Values = { state: 'gone', code: 'message_not_found', why: 'The message no longer exists.' }
