/** Searches on a mail server: the commands sent, and the results accepted, however large or odd they are. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { findMessages, termOf } from '../../../test/support/found-messages.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startSocketServer } from '../../../test/support/socket-server.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import type { SearchTerm } from '../search-term.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'
import { newestOf, toSearchObject } from './imapflow-search.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function connect(port: number, { user, password } = { user: 'a', password: 'b' }) {
  const { signal } = new AbortController()
  const login = { host: '127.0.0.1', port, tls: 'none', user, password } as const
  const connection = await new ImapFlowGateway().connect(login, { timeoutMs: patience, signal })
  ends.push(() => connection.close())
  return connection
}

test.each([
  ['1:9', 3, undefined, [9, 8, 7], 9, true],
  ['1:9', 3, 3, [2, 1], 9, false],
  ['1:9', 9, undefined, [9, 8, 7, 6, 5, 4, 3, 2, 1], 9, false],
  ['20:22,4,7:9', 5, undefined, [22, 21, 20, 9, 8], 7, true],
  ['20:22,4,7:9', 5, 21, [20, 9, 8, 7, 4], 7, false],
  ['9:7,22', 5, undefined, [22, 9, 8, 7], 4, false],
  ['5,5,4:5', 5, undefined, [5, 4], 2, false],
  [undefined, 5, undefined, [], 0, false],
  ['0,-3,1.5,*,5:*,99999999999,4294967296,abc,,7', 5, undefined, [7], 1, false],
  ['1:4294967295', 2, undefined, [4294967295, 4294967294], 4294967295, true],
])('of %s the newest %i below %s are taken', (set, limit, beforeUid, uids, total, hasMore) => {
  expect(newestOf(set, limit, beforeUid)).toEqual({ uids, total, hasMore })
})

test('hundreds of thousands of finds that lie apart are no more than their numbers', () => {
  const set = Array.from({ length: 300_000 }, (_, index) => index * 2 + 1).join()
  expect(newestOf(set, 2, 400_000)).toEqual({ uids: [399_999, 399_997], total: 300_000, hasMore: true })
})

test('terms of one kind are kept apart, and none of them is lost', () => {
  expect(toSearchObject(termOf('subject:a is:read'))).toEqual({ subject: 'a', seen: true })
  expect(toSearchObject(termOf('subject:a subject:b is:read -subject:c'))).toEqual({
    seen: true,
    not: { or: [{ not: { subject: 'a' } }, { not: { subject: 'b' } }, { subject: 'c' }] },
  })
  expect(toSearchObject(termOf('-subject:a'))).toEqual({ not: { subject: 'a' } })
  expect(toSearchObject(termOf('-is:read -(-subject:a)'))).toEqual({ seen: false, subject: 'a' })
  expect(toSearchObject(termOf('subject:a OR (subject:b -from:c)'))).toEqual({
    or: [{ subject: 'a' }, { not: { or: [{ not: { subject: 'b' } }, { from: 'c' }] } }],
  })
  expect(toSearchObject(termOf('-(subject:a OR cc:b) label:$c smaller:5'))).toEqual({
    keyword: '$c',
    smaller: 5,
    not: { or: [{ subject: 'a' }, { cc: 'b' }] },
  })
  expect(toSearchObject(undefined)).toEqual({})
})

test('no search says NOT NOT, which Courier refuses, however its terms are put together', async () => {
  const searches: string[] = []
  const opened = ['* 3 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 4] next']
  const server = await startSocketServer(socket => {
    socket.write('* OK [CAPABILITY IMAP4rev1] Courier-IMAP ready\r\n')
    socket.on('data', data => {
      for (const [line, tag, command = ''] of String(data).matchAll(/^(\w+) (?:UID )?([A-Z]+).*$/gm)) {
        if (command === 'SEARCH') searches.push(line)
        const isRefused = command === 'SEARCH' && line.includes('NOT NOT')
        const end = isRefused ? 'NO Error in IMAP command received by server.' : 'OK done'
        socket.write([...(command === 'EXAMINE' ? opened : []), `${tag} ${end}`, ''].join('\r\n'))
      }
    })
  })
  ends.push(() => server.stop())
  const connection = await connect(server.port)
  const pieces = [
    'tea',
    'cake',
    'from:a',
    'from:b',
    '-from:c',
    'to:d',
    '-to:e',
    'is:unread',
    '-is:read',
    '-x',
    '(larger:1 OR -(subject:f -g))',
  ]
  for (let mask = 1; mask < 2 ** pieces.length; mask++) {
    const query = pieces.filter((_, index) => mask & (2 ** index)).join(' ')
    await connection.search('INBOX', termOf(query, false), 5)
  }
  expect(searches).toHaveLength(2 ** pieces.length - 1)
  expect(searches.filter(line => /(^| )FROM a/.test(line) && /FROM b/.test(line)).length).toBeGreaterThan(100)
})

test('a server that refuses to search is named as the cause, with what may be the reason', async () => {
  const opened = ['* 3 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 4] next']
  const answers: Record<string, string[]> = { CAPABILITY: ['* CAPABILITY IMAP4rev1 LITERAL+'], EXAMINE: opened }
  const server = await startSocketServer(socket => {
    socket.write('* OK ready\r\n')
    socket.on('data', data => {
      for (const [, tag, command = ''] of String(data).matchAll(/^(\w+) (?:UID )?([A-Z]+)/gm)) {
        const end = command === 'SEARCH' ? 'NO [BADCHARSET] no such letters' : 'OK done'
        socket.write([...(answers[command] ?? []), `${tag} ${end}`, ''].join('\r\n'))
      }
    })
  })
  ends.push(() => server.stop())
  const connection = await connect(server.port)
  const search = (query: string) => connection.search('INBOX', termOf(query), 5)
  await expect(search('tea')).rejects.toMatchObject({
    code: 'mail_server_refused',
    message: 'The mail server rejected this search.',
  })
  await expect(search('größe')).rejects.toThrow('not support non-ASCII text')
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
    const { user } = dovecot.users[0]!
    for (const subject of ['one', '=?utf-8?q?gr=C3=B6=C3=9Fe?=', 'three', 'four']) {
      await dovecot.appendMessage(user, `Subject: ${subject}\nFrom: Bob <bob@test.local>\n\ntea\n`)
    }
  })
  afterAll(() => dovecot?.stop())

  /** A connection whose words can be read and whose server's can be changed. */
  async function listen(toClient?: (data: string) => string) {
    const said: string[] = []
    const toServer = (data: string) => {
      said.push(data)
      return data
    }
    const relay = await startRelay(dovecot.imapPort, { toServer, ...(toClient ? { toClient } : {}) })
    ends.push(() => relay.stop())
    return { connection: await connect(relay.port, dovecot.users[0]), said: () => said.join('') }
  }

  test('a server without ESEARCH is searched as well', async () => {
    const { connection, said } = await listen(data => data.replaceAll(' ESEARCH', ' XSEARCH'))
    const page = await findMessages(connection, 'INBOX', termOf('tea'), 2)
    expect(page).toMatchObject({ total: 4, messages: [{ subject: 'four' }, { subject: 'three' }] })
    const rest = await findMessages(connection, 'INBOX', termOf('tea'), 2, page.messages.at(-1)!.uid)
    expect(rest).toMatchObject({ total: 2, messages: [{ subject: 'größe' }, { subject: 'one' }] })
    expect(said()).not.toContain('SEARCH RETURN')
  })

  test('only the rows of the page are asked for, and the finds come as ranges', async () => {
    const { connection, said } = await listen()
    await findMessages(connection, 'INBOX', termOf('tea'), 2)
    expect(said()).toMatch(/UID SEARCH RETURN \(ALL COUNT\) /)
    expect(said()).toMatch(/UID FETCH 4,3 /)
  })

  test('letters outside of ASCII are said to be UTF-8, and what is ASCII needs no character set', async () => {
    const { connection, said } = await listen()
    expect((await connection.search('INBOX', termOf('größe'), 5)).total).toBe(1)
    expect(said()).toContain('CHARSET UTF-8')
    const plain = await listen()
    await plain.connection.search('INBOX', termOf('"one"'), 5)
    expect(plain.said()).not.toContain('CHARSET')
  })

  test('NIL is a word like any other, to search for and as the name of a folder', async () => {
    const { user } = dovecot.users[0]!
    await dovecot.appendMessage(user, 'Subject: nil report\nFrom: Nil <nil@test.local>\n\nnothing\n')
    const { connection, said } = await listen()
    for (const query of ['from:NIL', 'subject:nil', 'nil', 'from:nil subject:NIL']) {
      expect((await connection.search('INBOX', termOf(query), 5)).total).toBe(1)
    }
    expect(said()).toContain('FROM "NIL"')
    for (const name of ['NIL', 'nil']) {
      await expect(connection.listMessages(name, 5, undefined)).rejects.toMatchObject({ code: 'folder_not_found' })
    }
  })

  test('no word becomes a command, not even one that no query can hold', async () => {
    const texts = ['" X\r\nA1 DELETE Archive\r\n', 'é\r\nA1 DELETE Archive\r\n', '{3}\r\nabc', 'a"\\', 'a\0b', 'é\0']
    for (const text of texts) {
      const { connection, said } = await listen()
      const term: SearchTerm = { kind: 'subject', text }
      const page = await connection.search('INBOX', term, 5).catch(error => error)
      expect(page).toMatchObject(page instanceof Error ? { name: 'Problem' } : { total: 0 })
      // A literal may contain line ends, since its length is sent first.
      expect(said().replaceAll(/\{\d+\+?\}\r\n[\s\S]*?DELETE Archive\r\n/g, '')).not.toMatch(/DELETE/)
    }
    const { connection } = await listen()
    expect((await connection.listFolders()).map(({ path }) => path)).toContain('Archive')
  })
})
