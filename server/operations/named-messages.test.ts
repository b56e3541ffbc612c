/** A message named by id is located correctly while it leaves, comes back or appears elsewhere, and during renames. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { principalOf } from '../../test/support/operation-world.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { ExpectedChanges } from '../index/expected-changes.ts'
import type { IndexedPlace, PackedPlaces } from '../index/index-types.ts'
import { Signer } from '../platform/secret-box.ts'
import { NamedMessages } from './named-messages.ts'
import { newItem, newOperation } from './new-operation.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { ShownOperations } from './shown-operations.ts'

const id = 'AAAAAAAAAAAAAAAAAAAA'
const inbox: IndexedPlace = { path: 'INBOX', uidValidity: 7, uid: 1, flags: [] }
const archive: IndexedPlace = { path: 'Archive', uidValidity: 8, uid: 5, flags: [] }

/** One message, indexed in these places. */
function setUp() {
  const expected = new ExpectedChanges()
  const noticed: string[] = []
  const indexer = { show: () => undefined, brought: () => undefined, notice: (path: string) => void noticed.push(path) }
  const shown = new ShownOperations({ expected, indexerOf: () => indexer })
  const world: { places: IndexedPlace[]; whileAsked: () => void; look: () => boolean; looks: number } = {
    places: [inbox],
    whileAsked: () => undefined,
    look: () => true,
    looks: 0,
  }
  const packPlaces = async (): Promise<PackedPlaces> => {
    const { places } = world
    world.whileAsked()
    return {
      folders: places.map(({ path, uidValidity }) => ({ path, uidValidity })),
      there: Uint8Array.of(1),
      folder: Int32Array.of(places.length === 0 ? -1 : 0),
      uid: Uint32Array.of(places[0]?.uid ?? 0),
    }
  }
  const known = { messageIds: ['<1@x>'], sizes: Float64Array.of(1), dates: Float64Array.of(0) }
  const packIdentities = async () => ({ ...known, there: Uint8Array.of(1) })
  const named = new NamedMessages({
    refs: new MessageRefs(new Signer(randomBytes(32))),
    index: { of: () => ({ packPlaces, packIdentities }) },
    expected,
    isIndexed: () => true,
    look: async () => {
      world.looks++
      return world.look()
    },
  })
  const find = async () => {
    const [found] = await named.find('a', [id])
    return found && 'place' in found ? `${found.place.path} ${found.place.uid}` : found?.code
  }
  /** Accepts the change: from now on, lists show the message in no folder. */
  const move = async (operationId: string, to = 'Archive') => {
    const [found] = await named.find('a', [id])
    if (!found || !('place' in found)) throw new Error('not found')
    const given = { id: operationId, accountId: 'a', kind: 'move' as const, args: { to } }
    const operation = newOperation(principalOf('token'), given)
    const item = newItem(operation, 0, JSON.stringify({ to }), found)
    shown.expect(operation, [item])
    world.places = []
    return { operation, item }
  }
  const ended = ({ operation, item }: { operation: OperationRow; item: ItemRow }, values: Partial<ItemRow>) => {
    const now = { ...item, ...values }
    shown.follow(operation, [now], [now])
  }
  return { world, named, expected: expected.of('a'), shown, noticed, find, move, ended }
}

test.each(['failed', 'unknown', 'gone'] as const)(
  'a move that ends as %s leaves its message to be found where it was, until it is read again',
  async state => {
    const { world, expected, noticed, find, move, ended } = setUp()
    const moving = await move('1')
    expect(await find()).toBe('INBOX 1')
    ended(moving, { state })
    expect([await find(), noticed, expected.hasLeaving]).toEqual(['INBOX 1', ['INBOX'], true])
    // Re-read, lists show it again if it still exists.
    expected.wereRead(expected.toReadAgain('INBOX', 7))
    expect(await find()).toBe('message_not_found')
    world.places = [inbox]
    expect([await find(), expected.hasLeaving]).toEqual(['INBOX 1', false])
  },
)

test('messages that are named by their ids are recognised by what the index knows of them', async () => {
  const { named } = setUp()
  const identity = { messageId: '<1@x>', sizeBytes: 1, date: new Date(0).toISOString() }
  expect(await named.recognise('a', [id])).toEqual(new Map([[id, identity]]))
  expect(await named.recognise('a', ['a-reference'])).toEqual(new Map())
})

test('of two moves that wait, the one that is refused does not hide the message', async () => {
  const { find, move, ended } = setUp()
  await move('1')
  ended(await move('2', 'Junk'), { state: 'failed' })
  expect(await find()).toBe('INBOX 1')
})

test('it is found while it comes up in its new folder, and in between', async () => {
  const { world, expected, find, move, ended } = setUp()
  const moving = await move('1')
  const after = { after_path: 'Archive', after_uid_validity: 8, after_uid: 5 }
  // The index is queried before the folder is synced, and answers afterwards: the queue follows the message on.
  world.whileAsked = () => {
    ended(moving, { state: 'done', ...after })
    expected.compared(expected.now)
    world.places = [archive]
    world.whileAsked = () => undefined
  }
  expect(await find()).toBe('INBOX 1')
  expect(await find()).toBe('Archive 5')
})

test('where a move failed long ago counts less than where the index has the message', async () => {
  const { world, expected, find } = setUp()
  expected.readAgain([{ ...inbox, messageId: id }])
  world.places = [archive]
  expect(await find()).toBe('Archive 5')
})

test('in a folder that has another path on the mail server it is found there, before lists know the path', async () => {
  const { world, expected, shown, find, move } = setUp()
  const renamed = (path: string) => (path === 'INBOX' ? 'Old' : path)
  shown.renameFolder('a', renamed)
  expect(await find()).toBe('Old 1')
  const { item } = await move('1')
  expect(item.path).toBe('Old')
  shown.renameFolder('a', path => (path === 'Old' ? 'Older' : path))
  expect(await find()).toBe('Older 1')
  expected.listed(expected.now)
  world.places = [{ ...inbox, path: 'Older' }]
  expect(await find()).toBe('Older 1')
})

test('one that another program moved is looked for, and found where it came up', async () => {
  const { world, find } = setUp()
  expect([await find(), world.looks]).toEqual(['INBOX 1', 0])
  world.places = []
  world.look = () => {
    world.places = [archive]
    return true
  }
  expect([await find(), world.looks]).toEqual(['Archive 5', 1])
  // It is gone after a look that did not find it; without a look, that is not known.
  world.places = []
  world.look = () => true
  expect(await find()).toBe('message_not_found')
  world.look = () => false
  expect([await find(), world.looks]).toEqual(['mail_server_unreachable', 3])
})
