/**
 * Finds out what became of messages when the mail server did not say which ones it moved or copied, and where to
 * (it has no UIDPLUS): one that another program deleted right before the command is gone, although the server said OK.
 */
import type { MailConnection } from '../imap/mail-gateway.ts'
import { holdsUid, type UidRange } from '../imap/uid-ranges.ts'
import { Problem } from '../platform/problem.ts'
import { ArrivedMessages, afterAt } from './arrived-messages.ts'
import { readIdentity } from './copy-step.ts'
import { notMoved } from './move-step.ts'
import { type Intent, type OperationRow, type PlacedItem, placeOf } from './operation-tables.ts'
import { gone, standingOf, type Values, type Verdicts } from './source-messages.ts'
import { isRefusal } from './step-outcomes.ts'

const notFound: Values = {
  state: 'unknown',
  code: 'unknown',
  why: 'The mail server did not say which messages it transferred, and it is not known whether this one reached the target folder.',
}

/** Returns the items that count as done only by the server's OK. */
export function unreportedOf(reported: Verdicts): PlacedItem[] {
  return [...reported]
    .filter(([, { state, after_uid }]) => state === 'done' && (after_uid ?? null) === null)
    .map(([item]) => item)
}

/** @returns Corrections of `reported`; none when the target folder was recreated or has too many arrivals. */
export async function findPlaces(
  connection: MailConnection,
  reported: Verdicts,
  intent: Intent,
  kind: OperationRow['kind'],
): Promise<Verdicts> {
  const found: Verdicts = new Map()
  const arrived = await ArrivedMessages.read(connection, intent)
  if (!arrived) return found
  const missing: PlacedItem[] = []
  for (const item of unreportedOf(reported)) {
    const place = arrived.take(readIdentity(item))
    if (place) found.set(item, afterAt(place))
    else missing.push(item)
  }
  if (missing.length === 0) return found
  const there = await stillThere(connection, missing)
  for (const item of missing) {
    // Matched by Message-ID alone, since not every server keeps date and size.
    const place = arrived.takeLike(readIdentity(item))
    if (place) found.set(item, afterAt(place))
    else if (!holdsUid(there, item.uid)) found.set(item, arrived.mayHold(readIdentity(item)) ? notFound : gone)
    else if (kind === 'move' && reported.get(item)?.code === undefined) found.set(item, notMoved)
  }
  return found
}

async function stillThere(connection: MailConnection, items: readonly PlacedItem[]): Promise<readonly UidRange[]> {
  try {
    return (await standingOf(connection, items.map(placeOf))).there
  } catch (error) {
    if (error instanceof Problem && isRefusal(error)) return []
    throw error
  }
}
