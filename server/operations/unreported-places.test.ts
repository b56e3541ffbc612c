/** The outcome of messages when a mail server did not say which ones it moved or copied. */
import { expect, test } from 'vitest'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { rangesOfUids } from '../imap/uid-ranges.ts'
import type { Identity, PlacedItem } from './operation-tables.ts'
import type { Values } from './source-messages.ts'
import { findPlaces } from './unreported-places.ts'

const date = '2026-11-30T08:00:00.000Z'
const identity = (messageId: string | null, sizeBytes = 100) => ({ messageId, sizeBytes, date })
const intent = { to: 'Archive', uidValidity: 8, uidNext: 5 }
const done: Values = { state: 'done', after_path: null, after_uid_validity: null, after_uid: null }

/** @param arrived Arrivals in the target folder, from UID 5 on. @param there UIDs left in the source folder. */
async function outcome(
  asked: (Identity | null)[],
  arrived: Partial<IndexHeader>[],
  there: number[] = [],
  kind: 'move' | 'copy' = 'move',
) {
  const items = asked.map((each, at) => {
    const text = each && JSON.stringify(each)
    return { path: 'INBOX', uid_validity: 7, uid: at + 1, identity: text } as PlacedItem
  })
  const headers = arrived.map((each, at) => ({ uid: at + 5, faults: [], ...each }) as unknown as IndexHeader)
  const changes = {
    listHeaders: async () => ({ uidValidity: 8, headers, hasMore: false }),
    flagStanding: async () => ({ uidValidity: 7, there: rangesOfUids(there), having: new Map() }),
  }
  const told = new Map(items.map(item => [item, done]))
  const found = await findPlaces({ changes } as unknown as MailConnection, told, intent, kind)
  return items.map(item => {
    const { state, code, after_uid } = { ...done, ...found.get(item) }
    return after_uid ?? code ?? state
  })
}

test('what came is found by all that recognises it, then by its Message-ID alone, and what came nowhere is gone', async () => {
  const [one, two, three] = [identity('<1@x>'), identity('<2@x>'), identity('<3@x>')]
  expect(await outcome([one, two, three], [two, identity('<1@x>', 120)])).toEqual([6, 5, 'message_not_found'])
  // Identical messages match different arrivals.
  expect(await outcome([one, one], [one, one])).toEqual([5, 6])
  expect(await outcome([identity(null)], [])).toEqual(['message_not_found'])
  // Arrivals from other programs do not match.
  expect(await outcome([one], [identity('<other@x>'), identity(null)])).toEqual(['message_not_found'])
})

test('what may be among what cannot be recognised is unknown', async () => {
  expect(await outcome([identity(null)], [identity(null, 120)])).toEqual(['unknown'])
  expect(await outcome([null], [identity('<1@x>')])).toEqual(['unknown'])
  expect(await outcome([identity('<1@x>')], [{ ...identity(null), faults: ['unreadable'] }])).toEqual(['unknown'])
})

test('what is left in its folder was not moved; a copy of which nothing came is as the mail server says', async () => {
  expect(await outcome([identity('<1@x>')], [], [1])).toEqual(['mail_server_refused'])
  expect(await outcome([identity('<1@x>')], [], [1], 'copy')).toEqual(['done'])
})
