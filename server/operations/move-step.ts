/** Moves messages into another folder. Without MOVE, this is COPY, STORE and EXPUNGE, and may stop in between. */

import { holdsUid, type UidRange } from '../imap/uid-ranges.ts'
import { Problem } from '../platform/problem.ts'
import { ArrivedMessages, afterAt, intentFor } from './arrived-messages.ts'
import { readIdentity, unknownIdentity } from './copy-step.ts'
import type { MailStep } from './mail-step.ts'
import { type PlacedItem, placeOf } from './operation-tables.ts'
import { gone, identitiesOf, standingOf, type Values, type Verdicts, writeTarget } from './source-messages.ts'

const lost: Values = {
  state: 'unknown',
  code: 'unknown',
  why: 'The connection was lost, and the message is neither where it was nor recognisable in the target folder.',
}
const inBoth: Values = {
  state: 'unknown',
  code: 'unknown',
  why: 'The connection was lost, and a message like it is in both folders; without a Message-ID nothing is deleted.',
}
const marked: Values = {
  code: 'marked_deleted',
  why: 'The mail server cannot remove single messages: the message in the old folder is only marked as deleted.',
}
/** The copy may be marked as deleted, if the server accepted that without removing it. */
const kept: Values = {
  state: 'failed',
  code: 'mail_server_refused',
  why: 'The mail server copied the message to the target folder, but refused to remove the original or the copy: it is in both folders.',
  ...afterAt(undefined),
}

export const moveStep: MailStep = {
  async look(connection, items, { to = '' }, target) {
    const [{ path }] = items as [PlacedItem]
    const intent = to === path ? undefined : (target ?? (await intentFor(connection, to)))
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    const there = items.filter(({ uid }) => holdsUid(uids, uid))
    const identities = intent ? await identitiesOf(connection, there) : new Map()
    const verdicts: Verdicts = new Map(items.map(item => [item, gone]))
    for (const item of there) {
      // Without an intent, the message already is in the target folder.
      const done: Values = { state: 'done', ...afterAt(placeOf(item)) }
      verdicts.set(item, intent ? { state: 'sent', ...unknownIdentity(identities, item) } : done)
    }
    return { verdicts, intent }
  },

  async send(writer, items, { to = '' }, sent) {
    const { places, left, twice } = await writer.move(writeTarget(items, sent), to)
    const inSource = new Set(left)
    const inBothFolders = new Set(twice)
    return new Map(
      items.map((item): [PlacedItem, Values] => {
        if (inBothFolders.has(item.uid)) return [item, kept]
        const uid = places?.uids.get(item.uid)
        if (places && uid === undefined) return [item, inSource.has(item.uid) ? notMoved : gone]
        const place = places && uid !== undefined ? { path: to, uidValidity: places.uidValidity, uid } : undefined
        return [item, { state: 'done', ...afterAt(place), ...(inSource.has(item.uid) ? marked : {}) }]
      }),
    )
  },

  async lookAfter(connection, items, _change, intent) {
    const arrived = intent && (await ArrivedMessages.read(connection, intent))
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    if (!arrived) return new Map(items.map(item => [item, lost]))
    const verdicts: Verdicts = new Map()
    // Items that left the source go first: of two identical messages, the arrival is the one that was moved.
    for (const item of items.toSorted((one, other) => rank(uids, one) - rank(uids, other))) {
      const place = arrived.take(readIdentity(item))
      if (!holdsUid(uids, item.uid)) verdicts.set(item, place ? { state: 'done', ...afterAt(place) } : lost)
      else if (!place) verdicts.set(item, { state: 'waiting' })
      else if (readIdentity(item)?.messageId) verdicts.set(item, { state: 'sent', ...afterAt(place) })
      else verdicts.set(item, inBoth)
    }
    return verdicts
  },

  /** Removes from the source what has arrived in the target folder. */
  async finish(writer, items) {
    const target = writeTarget(items)
    const removed = new Set((await unlessRefused(writer.expunge(target))) ?? [])
    const uids = target.uids.filter(uid => !removed.has(uid))
    const standing =
      uids.length > 0 && (await unlessRefused(writer.setFlags({ ...target, uids }, 'add', ['\\Deleted'])))
    const there = new Map((standing || []).map(({ uid, flags }) => [uid, flags]))
    return new Map(
      items.map((item): [PlacedItem, Values] => {
        const flags = there.get(item.uid)
        if (removed.has(item.uid) || (standing && !flags)) return [item, { state: 'done' }]
        const isMarked = flags?.some(flag => flag.toLowerCase() === '\\deleted')
        return [item, isMarked ? { state: 'done', ...marked } : kept]
      }),
    )
  },
}

async function unlessRefused<T>(telling: Promise<T>): Promise<T | undefined> {
  try {
    return await telling
  } catch (error) {
    if (error instanceof Problem && error.code === 'mail_server_refused') return undefined
    throw error
  }
}

export const notMoved: Values = {
  state: 'failed',
  code: 'mail_server_refused',
  why: 'The mail server left the message where it is.',
}

function rank(uids: readonly UidRange[], { uid }: PlacedItem): number {
  return holdsUid(uids, uid) ? 1 : 0
}
