/** The index compared with a naive one in memory, after whatever happens to a mailbox. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { folder, onEachIndex, recordOf, searched, type TestedIndex, textOf } from '../../test/support/index-world.ts'
import type { FolderBatch, IndexedMessage, MessageRecord, UidSpan } from './index-types.ts'
import { identityOf, idOf, messageIdText } from './message-identity.ts'

const paths = ['INBOX', 'Archive', 'Sent']
const flagSets = [[], ['\\Seen'], ['\\Flagged', 'work'], ['\\Seen', '\\Answered'], ['work']]

const place = fc.nat({ max: 2 })
const span = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 3 }))
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      path: place,
      mails: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 5 }),
      flags: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('flag' as const),
      path: place,
      uids: fc.array(fc.nat({ max: 12 }), { maxLength: 4 }),
      flags: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('vanish' as const),
      path: place,
      spans: fc.array(span, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      path: place,
      to: place,
      index: fc.nat({ max: 12 }),
      isSeenFirst: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('recreate' as const),
      path: place,
      mails: fc.array(fc.nat({ max: 9 }), { maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      path: place,
      index: fc.nat({ max: 12 }),
      replaced: fc.nat({ max: 12 }),
      mail: fc.nat({ max: 9 }),
      flags: fc.nat({ max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('text' as const), path: place, index: fc.nat({ max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rename' as const), path: place }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface ModelFolder {
  path: string
  uidValidity: number
  nextUid: number
  places: Map<number, { id: string; mail: number; flags: string[] }>
}

/** Everything by looking through all of it. */
class Model {
  readonly folders: ModelFolder[] = paths.map(path => ({ path, uidValidity: 1, nextUid: 1, places: new Map() }))
  readonly orphans = new Map<string, number>()
  readonly texts = new Set<string>()
  /** Which of several equal messages each id denotes. */
  readonly copies = new Map<string, number>()
  round = 1

  readonly accountId: string

  constructor(accountId: string) {
    this.accountId = accountId
  }

  recordOf(mail: number, uid: number, flags: string[]): MessageRecord {
    // Every third has the links of an earlier one.
    return {
      ...recordOf(mail + 1, { flags, references: mail % 3 === 0 && mail > 0 ? [`<m${mail}@example.org>`] : [] }),
      uid,
    }
  }

  get ids(): Set<string> {
    return new Set([
      ...this.orphans.keys(),
      ...this.folders.flatMap(({ places }) => [...places.values()].map(({ id }) => id)),
    ])
  }

  add(to: ModelFolder, record: MessageRecord, mail: number): void {
    const copy = this.lostCopy(record) ?? this.lowestCopy(to, record)
    const id = messageIdText(idOf(identityOf(this.accountId, record), copy))
    this.orphans.delete(id)
    this.copies.set(id, copy)
    to.places.set(record.uid, { id, mail, flags: record.flags })
  }

  /** Returns the first of several equal messages that left their last folder: it may have moved. */
  lostCopy(record: MessageRecord): number | undefined {
    const identity = identityOf(this.accountId, record)
    const ofRecord = ([id, copy]: [string, number]) => messageIdText(idOf(identity, copy)) === id
    const lost = [...this.copies].filter(each => this.orphans.has(each[0]) && ofRecord(each))
    return lost.map(([, copy]) => copy).sort((one, other) => one - other)[0]
  }

  lowestCopy(to: ModelFolder, record: MessageRecord): number {
    const identity = identityOf(this.accountId, record)
    const taken = new Set([...to.places.values()].map(({ id }) => id))
    let copy = 0
    while (taken.has(messageIdText(idOf(identity, copy)))) copy++
    return copy
  }

  remove(from: ModelFolder, uids: number[]): void {
    const ids = uids.map(uid => from.places.get(uid)!.id)
    for (const uid of uids) from.places.delete(uid)
    const left = new Set(this.folders.flatMap(({ places }) => [...places.values()].map(({ id }) => id)))
    for (const id of ids) if (!left.has(id) && !this.orphans.has(id)) this.orphans.set(id, this.round)
  }

  settle(): void {
    for (const [id, round] of this.orphans) {
      if (round >= this.round) continue
      this.orphans.delete(id)
      this.texts.delete(id)
    }
    this.round++
  }
}

/** The step on the model, and as the batches that a sync would make of it. */
function perform(model: Model, step: Step): Partial<FolderBatch>[] {
  const at = (index: number) => model.folders[index]!
  const take = (into: ModelFolder, mails: number[], flags: string[]) => {
    const added = mails.map(mail => model.recordOf(mail, into.nextUid++, flags))
    for (const [index, record] of added.entries()) model.add(into, record, mails[index]!)
    return added
  }
  const batch = (to: ModelFolder, rest: Partial<FolderBatch>) => ({
    path: to.path,
    uidValidity: to.uidValidity,
    ...rest,
  })
  switch (step.do) {
    case 'add':
      return [batch(at(step.path), { added: take(at(step.path), step.mails, flagSets[step.flags]!) })]
    case 'flag': {
      const flags = flagSets[step.flags]!
      for (const uid of step.uids) {
        const found = at(step.path).places.get(uid)
        if (found) found.flags = flags
      }
      return [batch(at(step.path), { changed: step.uids.map(uid => ({ uid, flags })) })]
    }
    case 'vanish': {
      const vanished = step.spans.map(([first, more]): UidSpan => [first, first + more])
      const isGone = (uid: number) => vanished.some(([first, last]) => first <= uid && uid <= last)
      model.remove(at(step.path), [...at(step.path).places.keys()].filter(isGone))
      return [batch(at(step.path), { vanished })]
    }
    case 'move': {
      const [from, to] = [at(step.path), at(step.to)]
      const uid = [...from.places.keys()][step.index]
      if (uid === undefined) return []
      const { mail, flags } = from.places.get(uid)!
      const leave = () => {
        model.remove(from, [uid])
        return batch(from, { vanished: [[uid, uid]] })
      }
      const arrive = () => batch(to, { added: take(to, [mail], flags) })
      return step.isSeenFirst ? [arrive(), leave()] : [leave(), arrive()]
    }
    case 'look': {
      // A message moved within its folder, and the UID of another now denotes another message.
      const folder = at(step.path)
      const flags = flagSets[step.flags]!
      const uids = [...folder.places.keys()]
      const [gone, replaced] = [uids[step.index], uids[step.replaced]]
      if (gone === undefined || replaced === undefined || gone === replaced) return []
      const { mail } = folder.places.get(gone)!
      const isSame = folder.places.get(replaced)!.mail === step.mail
      model.remove(folder, isSame ? [gone] : [gone, replaced])
      const other = model.recordOf(step.mail, replaced, flags)
      if (isSame) folder.places.get(replaced)!.flags = flags
      else model.add(folder, other, step.mail)
      const moved = take(folder, [mail], flags)
      return [batch(folder, { vanished: [[gone, gone]], added: [other, ...moved] })]
    }
    case 'recreate': {
      const folder = at(step.path)
      model.remove(folder, [...folder.places.keys()])
      folder.uidValidity++
      folder.nextUid = 1
      return [batch(folder, { added: take(folder, step.mails, []) })]
    }
    case 'text': {
      const uid = [...at(step.path).places.keys()][step.index]
      if (uid === undefined) return []
      const { id, mail } = at(step.path).places.get(uid)!
      model.texts.add(id)
      return [batch(at(step.path), { texts: [textOf(uid, `text of ${mail}`)] })]
    }
    default:
      return []
  }
}

/** What a program knows that only ever requests changes. */
class Follower {
  readonly messages = new Map<string, string>()
  #since: number

  constructor(since: number) {
    this.#since = since
  }

  async follow({ use }: TestedIndex): Promise<void> {
    const since = this.#since
    for (let hasMore = true; hasMore; ) {
      const from = this.#since
      const changes = await use(store => store.changesSince({ since, from, limit: 3 }))
      for (const id of changes.updated) expect(this.messages.has(id)).toBe(true)
      const found = await use(store => store.messagesById([...changes.created, ...changes.updated]))
      for (const message of found) this.messages.set(message.id, placesOf(message))
      for (const id of changes.destroyed) this.messages.delete(id)
      ;({ modseq: this.#since, hasMore } = changes)
    }
  }
}

/** A folder of another name is no change of its messages. */
const placesOf = ({ threadId, places }: IndexedMessage) =>
  JSON.stringify([threadId, places.map(({ path, ...rest }) => ({ ...rest, path: path.replace(/x+$/, '') }))])

/** After a move within one folder, one of several equal messages had a new id. */
const movedAmongEquals: Step[] = [
  { do: 'add', path: 2, mails: [3], flags: 0 },
  { do: 'add', path: 2, mails: [3, 0, 0, 0, 3], flags: 0 },
  { do: 'add', path: 2, mails: [0], flags: 0 },
  { do: 'add', path: 2, mails: [3, 3], flags: 0 },
  { do: 'move', path: 2, to: 2, index: 7, isSeenFirst: false },
  { do: 'add', path: 0, mails: [0], flags: 0 },
  { do: 'settle' },
]

onEachIndex(world => {
  test('whatever happens, the index is what a naive one would be', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async steps => {
        const index = await world.open()
        const { use } = index
        const model = new Model(index.accountId)
        const listed = () =>
          use(store =>
            store.applyFolders(
              model.folders.map(({ path }) =>
                folder(path, `id-${model.folders.findIndex(each => each.path === path)}`),
              ),
              1,
            ),
          )
        await listed()
        const { modseq } = await use(store => store.applyBatch({ path: 'INBOX', uidValidity: 1, announces: true }, 1))
        const follower = new Follower(modseq)
        let last: FolderBatch | undefined
        for (const step of steps) {
          if (step.do === 'settle') {
            await use(store => store.settleOrphans(model.round, 1))
            model.settle()
          } else if (step.do === 'rename') {
            model.folders[step.path]!.path += 'x'
            await listed()
            last = undefined
          } else if (step.do === 'repeat') {
            if (last) await expectNoChange(index, last)
          }
          for (const part of perform(model, step)) {
            last = { path: '', uidValidity: 0, announces: true, ...part }
            const batch = last
            await use(store => store.applyBatch(batch, 1))
          }
          if (step.do === 'settle' || step.do === 'move') await follower.follow(index)
        }
        await follower.follow(index)
        await expectEqual(index, model, follower)
      }),
      { numRuns: 40, examples: [[movedAmongEquals]] },
    )
  })
})

async function expectNoChange({ use }: TestedIndex, batch: FolderBatch): Promise<void> {
  const state = () =>
    use(async store => [
      await store.listFolders(),
      await store.listOutgoing(0, 10_000),
      { ...(await store.figures()), bytes: 0 },
    ])
  const before = await state()
  const { modseq } = await use(store =>
    store.applyBatch({ path: batch.path, uidValidity: batch.uidValidity, announces: true }, 1),
  )
  const again = await use(store => store.applyBatch(batch, 1))
  expect(again).toMatchObject({ changed: 0, removed: 0, modseq })
  expect(await state()).toEqual(before)
}

async function expectEqual(index: TestedIndex, model: Model, follower: Follower): Promise<void> {
  const { use } = index
  const messages = await use(store => store.messagesById([...model.ids]))
  for (const { path, uidValidity, places } of model.folders) {
    const page = await use(store => store.listMessages({ path, limit: 1_000 }))
    const shown = page.messages.map(message => {
      const here = message.places.find(each => each.path === path && message.id === places.get(each.uid)?.id)!
      return [here.uid, message.id, here.flags, message.messageId, here.uidValidity]
    })
    const expected = [...places].sort(([one], [other]) => other - one)
    expect(shown).toEqual(
      expected.map(([uid, { id, mail, flags }]) => [uid, id, flags, `<m${mail + 1}@example.org>`, uidValidity]),
    )
    const unread = expected.filter(([, { flags }]) => !flags.includes('\\Seen')).length
    // A folder that was never opened has no UIDVALIDITY.
    expect(page.folder).toMatchObject({ total: expected.length, unread })
  }
  expect(messages.map(({ id }) => id).sort()).toEqual([...model.ids].sort())
  const withoutPlace = messages.filter(({ places }) => places.length === 0).map(({ id }) => id)
  expect(withoutPlace.sort()).toEqual([...model.orphans.keys()].sort())
  const previews = messages.filter(({ preview }) => preview !== null).map(({ id }) => id)
  expect(previews.sort()).toEqual([...model.texts].sort())
  expect(await use((_store, db, account) => searched(db, account))).toHaveLength(model.ids.size)
  // A merged thread is reported by the message's number; a new text does not change it.
  expect(new Map([...follower.messages].sort())).toEqual(
    new Map(messages.map(each => [each.id, placesOf(each)] as const).sort()),
  )
  const figures = await use(store => store.figures())
  expect(figures).toMatchObject({
    messages: model.ids.size,
    texts: model.texts.size,
    threads: new Set(messages.map(({ threadId }) => threadId)).size,
  })
  const threads = await use(store => store.listThreads({ limit: 1_000 }))
  const placed = Map.groupBy(
    messages.filter(({ places }) => places.length > 0),
    ({ threadId }) => threadId,
  )
  const counts = threads.threads.map(({ id, messageCount }) => [id, messageCount])
  expect(new Map(counts as [string, number][])).toEqual(new Map([...placed].map(([id, all]) => [id, all.length])))
  const numbers = (await use(store => store.listOutgoing(0, 10_000))).map(({ number }) => number)
  expect(numbers).toEqual(numbers.map((_, position) => position + 1))
}
