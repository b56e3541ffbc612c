/** Copies messages into another folder. COPY is atomic (RFC 9051, section 6.4.7). */

import { holdsUid } from '../imap/uid-ranges.ts'
import { ArrivedMessages, afterAt, intentFor } from './arrived-messages.ts'
import type { MailStep } from './mail-step.ts'
import { type Identity, type PlacedItem, placeOf } from './operation-tables.ts'
import { gone, identitiesOf, standingOf, type Values, type Verdicts, writeTarget } from './source-messages.ts'

const lost: Values = {
  state: 'unknown',
  code: 'unknown',
  why: 'The connection was lost, and it is not known whether the message was copied.',
}

export const copyStep: MailStep = {
  async look(connection, items, { to = '' }, target) {
    // The source is read last, so that it is already selected when the command comes.
    const intent = target ?? (await intentFor(connection, to))
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    const there = items.filter(({ uid }) => holdsUid(uids, uid))
    const identities = await identitiesOf(connection, there)
    const verdicts: Verdicts = new Map(items.map(item => [item, gone]))
    for (const item of there) verdicts.set(item, { state: 'sent', ...unknownIdentity(identities, item) })
    return { verdicts, intent }
  },

  async send(writer, items, { to = '' }, sent) {
    const places = await writer.copy(writeTarget(items, sent), to)
    return new Map(
      items.map(item => {
        const uid = places?.uids.get(item.uid)
        if (places && uid === undefined) return [item, gone]
        const place = places && uid !== undefined ? { path: to, uidValidity: places.uidValidity, uid } : undefined
        return [item, { state: 'done', ...afterAt(place) }]
      }),
    )
  },

  async lookAfter(connection, items, _change, intent) {
    const arrived = intent && (await ArrivedMessages.read(connection, intent))
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    return new Map(
      items.map((item): [PlacedItem, Values] => {
        const place = arrived?.take(readIdentity(item))
        if (place) return [item, { state: 'done', ...afterAt(place) }]
        return [item, arrived && holdsUid(uids, item.uid) ? { state: 'waiting' } : lost]
      }),
    )
  },
}

/** Returns the identity read from the mail server, for an item whose identity the index does not have. */
export function unknownIdentity(identities: ReadonlyMap<number, Identity>, { uid, identity }: PlacedItem): Values {
  const read = identities.get(uid)
  return identity === null && read ? { identity: JSON.stringify(read) } : {}
}

export function readIdentity({ identity }: PlacedItem): Identity | undefined {
  return identity === null ? undefined : (JSON.parse(identity) as Identity)
}
