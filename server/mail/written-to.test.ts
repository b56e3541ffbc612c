/** Addresses written to: only mail in the sent folder, from the user and to exactly that address, counts. */
import { expect, test } from 'vitest'
import type { SearchAnswer } from '../../contract/mail-search.ts'
import { parseSearch } from '../index/search-language.ts'
import type { SearchQuery } from './mail-search.ts'
import { writtenTo } from './written-to.ts'

type Sent = { from: string[]; to: string[] }

/** Searches return what the test gives for a term, and are recorded. */
function knowing(find: (email: string) => Sent[] | Promise<Sent[]>, isIndexed = true, folders = ['Sent']) {
  const asked: SearchQuery[] = []
  let [atOnce, mostAtOnce] = [0, 0]
  const people = (emails: string[]) => emails.map(email => ({ name: null, email }))
  const searchAccount = async (_principal: unknown, _accountId: string, query: SearchQuery) => {
    asked.push(query)
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    try {
      await new Promise(setImmediate)
      const sent = await find(/ to:"(.*)"$/.exec(query.q)![1]!)
      return { items: sent.map(({ from, to }) => ({ from: people(from), to: people(to) })) } as unknown as SearchAnswer
    } finally {
      atOnce--
    }
  }
  const known = writtenTo({
    search: { searchAccount },
    sentFolders: async () => folders,
    isIndexed: () => isIndexed,
    accounts: { get: async () => ({ email: 'Ann@Example.org' }) },
  })
  const of = async (...emails: string[]) => [...(await known('a', emails))]
  return { of, asked, mostAtOnce: () => mostAtOnce }
}

const own = ['ann@example.org']

test.each<[string, Sent[], boolean]>([
  ['sent by oneself', [{ from: own, to: ['bob@x.example'] }], true],
  ['in another case', [{ from: ['ANN@example.ORG'], to: ['carl@x.example', 'BOB@X.example'] }], true],
  [
    'found among others',
    [
      { from: own, to: ['carl@x.example'] },
      { from: own, to: ['bob@x.example'] },
    ],
    true,
  ],
  ['never', [], false],
  ['sent by somebody else', [{ from: ['eve@x.example'], to: ['bob@x.example'] }], false],
  ['with nobody as its sender', [{ from: [], to: ['bob@x.example'] }], false],
  ['to an address that only contains it', [{ from: own, to: ['bob@x.example.evil.example'] }], false],
  ['to another one that ends alike', [{ from: own, to: ['notbob@x.example'] }], false],
  ['to others', [{ from: own, to: [] }], false],
  [
    'half by the one message, half by the other',
    [
      { from: own, to: [] },
      { from: ['eve@x.example'], to: ['bob@x.example'] },
    ],
    false,
  ],
])('one knows whom one wrote to: %s', async (_what, sent, isKnown) => {
  expect(await knowing(() => sent).of('bob@x.example')).toEqual(isKnown ? ['bob@x.example'] : [])
})

test('letters beside ASCII keep their case: a Kelvin sign is no k', async () => {
  const sent = [{ from: own, to: ['kim@x.example', 'émile@x.example'] }]
  expect(await knowing(() => sent).of('\u212aim@x.example', 'KIM@x.example', 'Émile@x.example')).toEqual([
    'KIM@x.example',
  ])
})

test('an address asks for nothing but itself: what could be another term counts as unknown', async () => {
  const world = knowing(email => [{ from: own, to: [email] }])
  const odd = ['" OR to:"x@y.example', '"bob"@x.example', 'bob@x.example"', 'a b@x.example', 'a\\@x.example', 'bob', '']
  const group = ['(bob@x.example)', 'bob@x.example\r\nX: y', '@x.example', 'bob@']
  expect(await world.of(...odd, ...group)).toEqual([])
  expect(world.asked).toEqual([])
  const harmless = ['-bob@x.example', 'in:inbox@x.example', 'from:eve@x.example', '*@x.example', 'bob+tag@x.example']
  expect(await world.of(...harmless)).toEqual(harmless)
  const term = (email: string) => parseSearch(`in:"Sent" to:"${email}"`, { inBody: true })
  const plain = JSON.stringify(term('bob@x.example'))
  for (const [at, email] of harmless.entries()) {
    expect(world.asked[at]!.q).toBe(`in:"Sent" to:"${email}"`)
    expect(JSON.stringify(term(email))).toBe(plain.replaceAll('bob@x.example', email))
  }
})

test('without an index, and where the search fails, no address is known; others are', async () => {
  expect(await knowing(() => [{ from: own, to: ['bob@x.example'] }], false).of('bob@x.example')).toEqual([])
  const world = knowing(email => {
    if (email === 'bob@x.example') throw new Error('the index is broken')
    return [{ from: own, to: [email] }]
  })
  expect(await world.of('bob@x.example', 'carl@x.example')).toEqual(['carl@x.example'])
})

test('fifty addresses are looked up, each once, four at the same time, and no mail server is asked', async () => {
  const world = knowing(email => [{ from: own, to: [email] }])
  const emails = Array.from({ length: 60 }, (_, at) => `p${at}@x.example`)
  expect(await world.of(...emails, ...emails)).toEqual(emails.slice(0, 50))
  expect([world.asked.length, world.mostAtOnce()]).toEqual([50, 4])
  expect(new Set(world.asked.map(({ server, limit }) => `${server} ${limit}`))).toEqual(new Set(['never 20']))
})

test('only folders of this role count, whatever they and others are called; without one no address is known', async () => {
  const folder = (path: string) => ({ kind: 'folder', folder: path })
  const to = { kind: 'to', text: 'bob@x.example', isPrefix: false }
  const asked = async (...folders: string[]) => {
    const world = knowing(email => [{ from: own, to: [email] }], true, folders)
    const known = await world.of('bob@x.example')
    return { known, trees: world.asked.map(({ q }) => parseSearch(q, { inBody: true })) }
  }
  expect(await asked()).toEqual({ known: [], trees: [] })
  const odd = 'a "b" OR \\ (in:inbox)'
  expect((await asked(odd)).trees).toEqual([{ kind: 'and', nodes: [folder(odd), to] }])
  const either = { kind: 'or', nodes: [folder('Sent'), folder('INBOX.Gesendet')] }
  expect((await asked('Sent', 'INBOX.Gesendet')).trees).toEqual([{ kind: 'and', nodes: [either, to] }])
})
