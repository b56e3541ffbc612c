/** Suite for contacts: counted as their messages come and go, and found by prefixes of names and addresses. */
import { expect, test } from 'vitest'
import type { IndexWorld } from '../../test/support/index-world.ts'
import { folder, recordOf } from '../../test/support/index-world.ts'
import { callsOf } from '../../test/support/opened-index.ts'
import { addressKey, maxContacts } from './contact-index.ts'

const me = 'me@example.org'
const person = (name: string | null, email: string) => ({ name, email })
const minute = (uid: number) => Date.parse(recordOf(uid).date)

export function contactIndexSuite(world: IndexWorld): void {
  async function opened() {
    const index = await world.open()
    const sent = { ...folder('Sent'), role: 'sent' }
    await index.use(store => store.applyFolders([folder('INBOX'), sent, folder('All')], 1))
    const { apply } = callsOf(index)
    const own = [me.toUpperCase()]
    return {
      ...index,
      apply: (batch: Parameters<typeof apply>[0]) => apply({ own, ...batch }),
      find: async (query = '', limit = 50) => index.use(store => store.listContacts({ query, limit })),
      emails: async (query: string, limit = 50) =>
        (await index.use(store => store.listContacts({ query, limit }))).map(({ email }) => email),
    }
  }

  test('it counts who wrote and who was written to, by address, with the newest name', async () => {
    const { apply, find } = await opened()
    const ann = (name: string | null) => [person(name, 'Ann@Example.org')]
    // In the order in which headers are fetched: newest first.
    await apply({ path: 'INBOX', added: [recordOf(5, { from: ann('Ann Lee') }), recordOf(4, { from: ann(null) })] })
    await apply({ path: 'INBOX', added: [recordOf(2, { from: ann('Ann Old') })] })
    const to = [person('Bob', 'bob@example.org'), person('bob', 'BOB@example.org'), person(null, me)]
    // Recognised as the owner's by its sender, then by its folder.
    await apply({ path: 'All', added: [recordOf(6, { from: [person(null, 'Me@example.org')], to, cc: ann('Ann') })] })
    await apply({
      path: 'Sent',
      added: [recordOf(7, { from: [person(null, 'alias@example.org')], to, bcc: ann(null) })],
    })
    expect(await find()).toEqual([
      { email: 'ann@example.org', name: 'Ann', wrote: 3, writtenTo: 2, lastWrote: minute(5), lastWrittenTo: minute(7) },
      { email: 'bob@example.org', name: 'bob', wrote: 0, writtenTo: 2, lastWrote: null, lastWrittenTo: minute(7) },
    ])
    // Repeating it, and the same message in another folder, are no-ops.
    const before = await find()
    await apply({ path: 'INBOX', added: [recordOf(5, { from: ann('Ann Lee') })] })
    await apply({ path: 'All', added: [{ ...recordOf(5, { from: ann('Ann Lee') }), uid: 70 }] })
    expect(await find()).toEqual(before)
  })

  test('messages that are gone no longer count, and who is in none is forgotten', async () => {
    const { apply, find, use } = await opened()
    const from = [person('Ann', 'ann@example.org')]
    await apply({ path: 'INBOX', added: [recordOf(1, { from }), recordOf(2, { from }), recordOf(3)] })
    await apply({ path: 'Sent', added: [recordOf(9, { to: from })] })
    const settle = async () => {
      for (let round = 0; round < 2; round++)
        await use(async store => store.settleOrphans(await store.currentRound(), 1))
    }
    await apply({ path: 'INBOX', vanished: [[2, 2]] })
    await settle()
    expect(await find('ann')).toMatchObject([{ wrote: 2, writtenTo: 1, lastWrote: minute(3) }])
    await apply({ path: 'INBOX', vanished: [[1, 3]] })
    await settle()
    expect(await find('ann')).toMatchObject([{ wrote: 0, writtenTo: 1 }])
    await apply({ path: 'Sent', vanished: [[9, 9]] })
    await settle()
    expect(await find()).toEqual([])
    const count = (db: Parameters<Parameters<typeof use>[0]>[1]) => db.selectFrom('account_state').select('contacts')
    expect(await use((_, db, account) => count(db).where('account', '=', account).execute())).toEqual([{ contacts: 0 }])
  })

  test('words of names and addresses are completed from their beginnings, whatever is typed', async () => {
    const { apply, emails } = await opened()
    const people = [
      person('Zoë O’Neil-Åberg', 'zoe@uni.example'),
      person('田中太郎', 'tanaka@example.jp'),
      person('100% Percent', 'under_score@example.org'),
      person(null, 'plain.address@example.org'),
      person('x\0y', 'nul\0@example.org'),
    ]
    await apply({ path: 'INBOX', added: people.map((from, at) => recordOf(at + 1, { from: [from] })) })
    const cases: [query: string, found: string[]][] = [
      ['zoe', ['zoe@uni.example']],
      ['ZOË', ['zoe@uni.example']],
      ['neil', ['zoe@uni.example']],
      ['aberg', ['zoe@uni.example']],
      ['eil', []],
      ['zo uni', ['zoe@uni.example']],
      ['zo tanaka', []],
      ['田中', ['tanaka@example.jp']],
      ['太郎', []],
      ['example.j', ['tanaka@example.jp']],
      ['100%', ['under_score@example.org']],
      ['%', []],
      ['_', []],
      ['under_', ['under_score@example.org']],
      ['underx', []],
      ['plain.ad', ['plain.address@example.org']],
      ['\\', []],
      ["'", []],
      ['xy', ['nul@example.org']],
    ]
    for (const [query, found] of cases) expect([query, await emails(query)]).toEqual([query, found])
    expect(await emails('  ', 2)).toHaveLength(2)
  })

  test('contacts that were written to come first, then the most frequent ones, then the most recent ones', async () => {
    const { apply, emails } = await opened()
    const from = (email: string) => ({ from: [person(null, email)] })
    await apply({
      path: 'INBOX',
      added: [
        recordOf(1, from('often@x.example')),
        recordOf(2, from('often@x.example')),
        recordOf(3, from('old@x.example')),
        recordOf(4, from('new@x.example')),
      ],
    })
    await apply({
      path: 'Sent',
      added: [recordOf(1, { messageId: '<s@x>', to: [person(null, 'answered@x.example')] })],
    })
    const ranked = ['answered@x.example', 'often@x.example', 'new@x.example', 'old@x.example']
    expect(await emails('')).toEqual(ranked)
    expect(await emails('x.ex', 3)).toEqual(ranked.slice(0, 3))
  })

  test('a sender that no message named before is a first contact, once', async () => {
    const { apply } = await opened()
    const from = (email: string) => ({ from: [person(null, email)] })
    const first = await apply({
      path: 'INBOX',
      added: [recordOf(1, from('ann@x.example')), recordOf(2, from('ANN@x.example')), recordOf(3, from(me))],
    })
    expect(first.added.map(({ isFirstContact }) => isFirstContact)).toEqual([true, false, false])
    await apply({ path: 'Sent', added: [recordOf(8, { to: [person(null, 'bob@x.example')] })] })
    const later = await apply({
      path: 'INBOX',
      added: [recordOf(4, from('bob@x.example')), recordOf(5, from('eve@x.example')), recordOf(6, { from: [] })],
    })
    expect(later.added.map(({ isFirstContact }) => isFirstContact)).toEqual([false, true, false])
  })

  test('what is no address is no contact', () => {
    expect(addressKey(' Ann@Example.ORG ')).toBe('ann@example.org')
    for (const email of ['', 'ann', '@x', 'a@', 'a b@x.example', `${'a'.repeat(320)}@x.example`]) {
      expect([email, addressKey(email)]).toEqual([email, undefined])
    }
    expect(maxContacts).toBe(50_000)
  })
}
