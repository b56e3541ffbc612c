/** When a list may come from the index, and that the mail server is asked in every other case. */
import { beforeEach, expect, test } from 'vitest'
import type { Scope } from '../../contract/scope.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import type { Compared } from '../index/compared-times.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { PageAnswer, PageQuery } from '../index/index-page.ts'
import { JsonText } from '../platform/http/answer-text.ts'
import type { Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import type { Owner } from './mail-queries.ts'
import { MessageLists } from './message-lists.ts'

const refs = new MessageRefs(new Signer(Buffer.alloc(32, 1)))
const mailbox = 'ann@mail.example:993'
const principalWith = (...scopes: Scope[]): Principal => {
  return { id: 'p', kind: 'token', name: 'p', userId: null, scopes: new Set(scopes), accounts: new Set(['a']) } as const
}
const reader = principalWith('mail:meta', 'mail:read')

let answer: () => PageAnswer
let asOf: number | undefined
let hasLooked: boolean
let isComplete: boolean
let look: () => void
let compared: Compared | null
let owner: Owner
let asked: PageQuery[]
let tags: (string | undefined)[]
let tag: string | undefined
let fromServer: number
let noticed: string[]
let lists: MessageLists

beforeEach(() => {
  answer = () => ({ kind: 'page', json: Buffer.from('{"items":[],"next_cursor":null,"total":0'), tag, compared })
  asOf = Date.now() - 1_000
  hasLooked = true
  isComplete = false
  look = () => undefined
  compared = { mailbox, at: Date.now() - 3_600_000 }
  owner = { email: 'ann@mail.example', imapHost: 'mail.example', revision: '1', mailbox }
  asked = []
  tags = []
  tag = undefined
  fromServer = 0
  noticed = []
  const seen = (path: string) => {
    noticed.push(path)
    look()
  }
  lists = new MessageLists({
    index: {
      of: () => ({
        listPage: async (query, known) => {
          asked.push(query)
          tags.push(known)
          return answer()
        },
      }),
    },
    mail: {
      listMessages: async () => {
        fromServer++
        return { items: [], next_cursor: null, total: 0, source: 'mail_server', as_of: '' }
      },
    },
    refs,
    ownerOf: async () => owner,
    indexerOf: () => ({ asOf: () => asOf, hasLooked, isComplete, mailbox, notice: seen }),
  })
})

const { signal } = new AbortController()
const list = (query: { folder?: string; cursor?: string; preview?: 'true' } = {}, as = reader) =>
  lists.list(as, 'a', { folder: 'INBOX', limit: 50, ...query }, signal)

test('a fresh folder is answered from the index, with the time of the last look', async () => {
  const found = await list()
  if (!(found instanceof JsonText)) throw new Error('it is from the mail server')
  const said = { items: [], next_cursor: null, total: 0, source: 'index', as_of: new Date(asOf!).toISOString() }
  expect(JSON.parse(found.text.toString())).toEqual(said)
  expect(fromServer).toBe(0)
})

test('a list is never older than what the mail server has announced: the folder is compared first', async () => {
  const before = asOf
  asOf = undefined
  await list()
  expect(fromServer).toBe(1)
  asOf = before
  expect(await list()).not.toBeInstanceOf(JsonText)
  expect([fromServer, noticed, asked]).toEqual([2, ['INBOX'], []])
  // Another folder is another matter.
  expect(await list({ folder: 'Archive' })).toBeInstanceOf(JsonText)
  asOf = Date.now() + 1
  expect(await list()).toBeInstanceOf(JsonText)
  expect(fromServer).toBe(2)
})

interface Circumstances {
  asOf?: number | undefined
  owner?: Partial<Owner>
  answer?: () => PageAnswer
}

test.each<[string, Circumstances]>([
  ['was never looked at', { asOf: undefined }],
  ['was looked at too long ago', { asOf: Date.now() - 200_000 }],
  ['is of a disabled account', { owner: { revision: null } }],
  ['is of the mailbox that the account was before', { owner: { mailbox: 'bob@mail.example:993' } }],
  ['is not indexed to its end', { answer: () => ({ kind: 'not_indexed' }) }],
  [
    'waits behind too much',
    {
      answer: () => {
        throw new IndexFault('overloaded', 'too much waits')
      },
    },
  ],
])('the mail server is asked where the folder %s', async (_why, given) => {
  if ('asOf' in given) asOf = given.asOf
  owner = { ...owner, ...given.owner }
  answer = given.answer ?? answer
  expect(await list()).toMatchObject({ source: 'mail_server' })
  expect(fromServer).toBe(1)
})

test('before the first look of a start a list comes from the index, with its age', async () => {
  asOf = undefined
  hasLooked = false
  const said = async () => {
    const found = await list()
    return found instanceof JsonText ? (JSON.parse(found.text.toString()) as { as_of: string }).as_of : 'mail_server'
  }
  const noted = compared!
  expect(await said()).toBe(new Date(noted.at).toISOString())
  const unusable = [null, { ...noted, mailbox: 'bob@mail.example:993' }, { ...noted, at: Date.now() - 8 * 86_400_000 }]
  for (compared of unusable) expect(await said()).toBe('mail_server')
  compared = noted
  hasLooked = true
  expect(await said()).toBe('mail_server')
})

test('a folder whose messages cannot be named, or of an account that is not visible, is left to the mail server', async () => {
  expect(await list({ folder: 'x'.repeat(500) })).toMatchObject({ source: 'mail_server' })
  const stranger: Principal = { ...reader, accounts: new Set(['b']) }
  expect(await list({}, stranger)).toMatchObject({ source: 'mail_server' })
  expect(asked).toEqual([])
})

test('a page that is still the same is answered again, with the time of the last look, until it is another one', async () => {
  const said = async () => {
    const found = await list()
    if (!(found instanceof JsonText)) throw new Error('it is from the mail server')
    const { total, as_of } = JSON.parse(found.text.toString()) as { total: number; as_of: string }
    return [total, Date.parse(as_of) - asOf!]
  }
  tag = 'one'
  expect(await said()).toEqual([0, 0])
  answer = () => ({ kind: 'same' })
  expect(await said()).toEqual([0, 0])
  asOf = asOf! + 500
  expect(await said()).toEqual([0, 0])
  answer = () => ({ kind: 'page', json: Buffer.from('{"items":[],"next_cursor":null,"total":9'), tag: 'two', compared })
  expect(await said()).toEqual([9, 0])
  answer = () => ({ kind: 'same' })
  expect(await said()).toEqual([9, 0])
  expect(tags).toEqual([undefined, 'one', 'one', 'one', 'two'])
  lists.forget('a')
  answer = () => ({
    kind: 'page',
    json: Buffer.from('{"items":[],"next_cursor":null,"total":1'),
    tag: 'three',
    compared,
  })
  expect(await said()).toEqual([1, 0])
  expect(tags.at(-1)).toBeUndefined()
})

test('previews are read only for callers with mail:read that ask for them', async () => {
  await list({ preview: 'true' })
  await list({ preview: 'true' }, principalWith('mail:meta'))
  await list()
  expect(asked.map(({ previews }) => previews)).toEqual([true, false, false])
})

test('a cursor of either source goes on here; one of a folder that was made again is stale, and another is none', async () => {
  const cursor = refs.encodeCursor('a', 'INBOX', { uidValidity: 7, beforeUid: 9 })
  await list({ cursor })
  expect(asked[0]!.after).toEqual({ uidValidity: 7, beforeUid: 9 })
  answer = () => ({ kind: 'stale_cursor' })
  await expect(list({ cursor })).rejects.toMatchObject({ code: 'stale_cursor' })
  await expect(list({ cursor, folder: 'Archive' })).rejects.toMatchObject({ code: 'bad_request' })
  expect(fromServer).toBe(0)
})

test('of a complete index a list waits for the look at its folder, for asking the mail server again would put that off', async () => {
  asOf = undefined
  expect(await lists.list(reader, 'a', { folder: 'INBOX', limit: 50 }, signal)).toMatchObject({ source: 'mail_server' })
  asOf = Date.now() - 1_000
  isComplete = true
  look = () => void queueMicrotask(() => (asOf = Date.now() + 1))
  expect(await lists.list(reader, 'a', { folder: 'INBOX', limit: 50 }, signal)).toBeInstanceOf(JsonText)
  expect([fromServer, noticed]).toEqual([1, ['INBOX']])
})

test('where that look does not come in time, the mail server is asked', async () => {
  asOf = undefined
  await lists.list(reader, 'a', { folder: 'INBOX', limit: 50 }, signal)
  asOf = Date.now() - 1_000
  isComplete = true
  expect(await lists.list(reader, 'a', { folder: 'INBOX', limit: 50 }, signal)).toMatchObject({ source: 'mail_server' })
  expect([fromServer, noticed]).toEqual([2, ['INBOX']])
})
