/** The feed groups related facts, loses none, and links to where each happened. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { rowsOf } from './change-groups.ts'
import { typesOf } from './change-kinds.ts'
import { isMeant } from './use-changes.ts'

const accounts = [
  { id: 'a', name: 'Support', imap: { host: 'mail.example.org', port: 993 } },
  { id: 'b', name: 'Sales', imap: { host: 'mail.example.org', port: 993 } },
  { id: 'c', name: 'Sandbox', imap: { host: '127.0.0.1', port: 4143 } },
]
const start = Date.parse('2026-11-28T08:00:00.000Z')
let number = 0
/** Orders facts newest first, as the feed has them. */
const facts = (...list: Fact[]): StreamEvent[] => list.map(event => ({ id: `e-${++number}`, event })).toReversed()
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString()

const mail = (account_id: string, minutes: number, changes: object = {}): Fact => {
  const from = { name: 'Noor Haddad', email: 'noor@example.org' }
  const place = { account_id, folder: 'INBOX', uid: 1, uid_validity: 1, ref: 'AAAABBBB' }
  return { type: 'mail_received', data: { ...place, from, subject: 'Two calls', at: at(minutes), ...changes } }
}
const state = (account_id: string, minutes: number, to: 'ready' | 'unreachable'): Fact => {
  const name = accounts.find(({ id }) => id === account_id)!.name
  const last_error =
    to === 'ready' ? null : { cause: 'timeout', detail: 'No answer.', server_response: null, at: at(0) }
  const data = { account_id, name, state: to, previous: 'connecting', last_error, next_retry_at: null, at: at(minutes) }
  return { type: 'account_state_changed', data } as Fact
}

test('mails of an account are one row with the newest in it, also where those of another come between', () => {
  const [sandbox, support, ...rest] = rowsOf(
    facts(mail('c', 0), mail('a', 1), mail('c', 2), mail('c', 30, { subject: 'The last' })),
    accounts,
  )
  expect(rest).toEqual([])
  expect(sandbox).toMatchObject({ text: '3 new messages in Sandbox', detail: 'Noor Haddad: The last', at: at(30) })
  expect(sandbox!.members.map(member => member.at)).toEqual([at(30), at(2), at(0)])
  expect(support).toMatchObject({ text: 'New mail in Support', detail: 'Noor Haddad: Two calls' })
  expect(support!.href).toBe('/mail?account=a&folder=INBOX&message=AAAABBBB')
})

test('what came more than an hour after the one before is a row of its own', () => {
  const rows = rowsOf(facts(mail('a', 0), mail('a', 50), mail('a', 100), mail('a', 161)), accounts)
  expect(rows.map(({ members }) => members.length)).toEqual([1, 3])
})

test('where the server holds older facts, a row that may go on there does not say that it is whole', () => {
  const list = facts(mail('c', 0), mail('a', 1), mail('c', 2), mail('b', 90), mail('b', 91))
  const said = (hasOlder: boolean) => rowsOf(list, accounts, hasOlder).map(({ text }) => text)
  expect(said(true)).toEqual(['2 new messages in Sales', '2+ new messages in Sandbox', 'New mail in Support'])
  expect(said(false)).toEqual(['2 new messages in Sales', '2 new messages in Sandbox', 'New mail in Support'])
})

test('a row keeps its key while it grows', () => {
  const first = mail('a', 0)
  const list = facts(first, mail('a', 1))
  const grown = [...facts(mail('a', 2)), ...list]
  expect(rowsOf(grown, accounts)[0]!.key).toBe(rowsOf(list, accounts)[0]!.key)
})

test('accounts of one server that fall together are one row; one that comes and goes says how often', () => {
  const [gone] = rowsOf(facts(state('a', 0, 'unreachable'), state('b', 1, 'unreachable')), accounts)
  expect(gone).toMatchObject({
    text: '2 accounts on mail.example.org cannot be reached',
    href: '/accounts?q=mail.example.org',
  })
  const [mixed] = rowsOf(facts(state('a', 0, 'unreachable'), state('b', 1, 'ready')), accounts)
  expect(mixed!.text).toBe('2 accounts on mail.example.org changed: Account Sales is ready')
  const [alone] = rowsOf(facts(state('c', 0, 'unreachable'), state('c', 1, 'ready')), accounts)
  expect(alone).toMatchObject({ text: 'Account Sandbox is ready (2 changes)', href: '/accounts/c' })
})

test('accounts that are added or removed together are one row, which leads to all of them', () => {
  const change = (type: 'account_added' | 'account_removed', id: string, minutes: number): Fact => {
    const name = accounts.find(account => account.id === id)!.name
    return { type, data: { account_id: id, name, email: `${id}@example.org`, at: at(minutes) } } as Fact
  }
  const [removed, added] = rowsOf(
    facts(
      change('account_added', 'a', 0),
      state('a', 0, 'ready'),
      change('account_added', 'b', 1),
      change('account_removed', 'a', 2),
      change('account_removed', 'b', 3),
    ),
    accounts,
  )
  expect(added).toMatchObject({ text: '2 accounts were added', href: '/accounts' })
  expect(added!.members.map(({ text }) => text)).toEqual(['Account Sales was added', 'Account Support was added'])
  expect(removed!.text).toBe('2 accounts were removed')
})

test('folders of an account that is indexed for the first time are one row, and so are messages that go', () => {
  const folder = (account_id: string, name: string, event: string, minutes: number): Fact => {
    const data = { account_id, folder: name, event, added: 0, changed: 0, removed: 0, at: at(minutes) }
    return { type: 'folder_changed', data } as unknown as Fact
  }
  const gone = (count: number, minutes: number): Fact => {
    const messages = Array.from({ length: count }, (_, n) => ({ id: `m${n}`, thread_id: `t${n}` }))
    return { type: 'mail_removed', data: { account_id: 'a', messages, at: at(minutes) } }
  }
  const rows = rowsOf(
    facts(
      folder('a', 'INBOX', 'created', 0),
      folder('b', 'INBOX', 'created', 0),
      folder('a', 'Sent', 'created', 0),
      gone(2, 1),
      mail('b', 1),
      gone(1, 2),
      folder('a', 'Old', 'gone', 3),
      folder('a', 'Lists', 'cleared', 4),
      folder('a', 'Lists', 'cleared', 5),
    ),
    accounts,
  )
  expect(rows.map(({ text }) => text)).toEqual([
    'Folder Lists of Support was recreated (2 times)',
    'Folder Old of Support was removed',
    '3 messages of Support were deleted',
    'New mail in Sales',
    '2 folders of Support are new',
    'Folder INBOX of Sales was created',
  ])
  expect(rows[4]!.href).toBe('/mail?account=a')
})

test('a program that comes and goes is one row, two programs are two', () => {
  const client = (user_agent: string, minutes: number): Fact => {
    const data = { client_id: 'c', kind: 'api', principal: 'Ann', ip_address: '10.0.0.1', user_agent, at: at(minutes) }
    return { type: 'client_connected', data } as Fact
  }
  const rows = rowsOf(facts(client('curl/8.1', 0), client('node', 1), client('curl/8.1', 2)), accounts)
  expect(rows.map(({ text }) => text)).toEqual([
    'curl 8.1 connected from 10.0.0.1 (2 times)',
    'node connected from 10.0.0.1',
  ])
  expect(rows[0]!.href).toBe('/clients?filter=10.0.0.1')
})

test('what a stranger wrote cannot hide or turn round what stands beside it, and what is not known is not said', () => {
  const [row] = rowsOf(
    facts(mail('a', 0, { subject: 'abc\u202edef', from: { name: 'Mal\u200bory', email: 'm@x.example' } })),
    accounts,
  )
  expect(row!.detail).toBe('Mal\ufffdory: abc\ufffddef')
  const nothing = facts(
    mail('a', 0, { subject: null, from: null }),
    mail('b', 0, { subject: undefined, from: undefined }),
  )
  expect(rowsOf(nothing, accounts).map(({ detail }) => detail)).toEqual([undefined, undefined])
  const [folder] = rowsOf(facts(mail('a', 0, { folder: 'Lists', subject: ' ' })), accounts)
  expect(folder).toMatchObject({ text: 'New mail in Lists of Support', detail: 'Noor Haddad: (no subject)' })
})

test('the filter of the page is that of the server: with an account named, what is of none is left out', () => {
  const list = facts(mail('a', 0), mail('b', 0), { type: 'server_started', data: { version: '1', at: at(0) } })
  const meant = (filter: Parameters<typeof isMeant>[1]) =>
    list.filter(fact => isMeant(fact, filter)).map(({ event }) => event.type)
  expect(meant({ types: undefined, accountId: 'a' })).toEqual(['mail_received'])
  expect(meant({ types: ['server_started'], accountId: undefined })).toEqual(['server_started'])
  expect(meant({ types: undefined, accountId: undefined })).toHaveLength(3)
  expect(typesOf('mail')).toEqual([
    'mail_received',
    'mail_changed',
    'mail_removed',
    'folder_changed',
    'operation_changed',
  ])
})
