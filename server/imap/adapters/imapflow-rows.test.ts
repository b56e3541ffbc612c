/** A server with malformed rows: the others are shown, the malformed one says so, and unsolicited rows are left out. */
import { afterEach, expect, test } from 'vitest'
import { patience } from '../../../test/support/patience.ts'
import { type SocketServer, startSocketServer } from '../../../test/support/socket-server.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

let server: SocketServer | undefined
let connection: MailConnection | undefined

afterEach(async () => {
  await connection?.close()
  await server?.stop()
})

interface Script {
  exists: number
  /** Returns the row of the message at this place; a refusal fails the command. UIDs are places plus a hundred. */
  rowOf(place: number): string | { refusal: string }
  /** Sent beside the rows of a command. */
  extra?: string
  /** Returns the row if only UID, date and size are requested; as the whole row otherwise would be. */
  leastOf?(place: number): string | { refusal: string }
}

const date = 'INTERNALDATE "01-Jan-2026 00:00:00 +0000"'
const structure = 'BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1)'
const envelope = (subject: string) =>
  `ENVELOPE (NIL "${subject}" ((NIL NIL "a" "b.org")) NIL NIL NIL NIL NIL NIL "<1@b.org>")`
const row = (place: number, items = `${structure} ${envelope(`mail ${place}`)}`) =>
  `* ${place} FETCH (UID ${place + 100} FLAGS () ${date} RFC822.SIZE 50 ${items})`
const least = (place: number) => `* ${place} FETCH (UID ${place + 100} ${date} RFC822.SIZE 50)`

async function connect({ exists, rowOf, extra, leastOf = least }: Script): Promise<MailConnection> {
  const fetched = (tag: string, numbers: number[], isWhole: boolean): string[] => {
    const rows = numbers
      .filter(place => place >= 1 && place <= exists)
      .map(place => (isWhole ? rowOf(place) : leastOf(place)))
    const refusal = rows.find(one => typeof one !== 'string')
    const told = rows.filter(one => typeof one === 'string')
    return [...told, ...(extra ? [extra] : []), `${tag} ${refusal ? `NO ${refusal.refusal}` : 'OK done'}`]
  }
  const answer = (line: string): string[] => {
    const [tag = '', command = '', ...words] = line.split(' ')
    if (command === 'CAPABILITY') return ['* CAPABILITY IMAP4rev1', `${tag} OK done`]
    if (command === 'EXAMINE') return [`* ${exists} EXISTS`, '* OK [UIDVALIDITY 7] v', `${tag} OK opened`]
    const isUid = command === 'UID'
    const [verb, set = ''] = isUid ? words : [command, ...words]
    const numbers = expand(set === 'UID' ? (words[2] ?? '') : set)
    const places = isUid && set !== 'UID' && verb === 'FETCH' ? numbers.map(uid => uid - 100) : numbers
    if (verb === 'FETCH') return fetched(tag, places, line.includes('ENVELOPE'))
    if (verb === 'SEARCH') {
      const there = set === 'UID' ? numbers : numbers.map(place => place + 100)
      return [`* SEARCH ${there.filter(uid => uid > 100 && uid <= 100 + exists).join(' ')}`, `${tag} OK done`]
    }
    return [`${tag} OK done`]
  }
  server = await startSocketServer(socket => {
    socket.write('* OK ready\r\n')
    socket.on('data', data => {
      for (const line of String(data).split('\r\n').filter(Boolean)) socket.write(`${answer(line).join('\r\n')}\r\n`)
    })
  })
  const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'a', password: 'b' } as const
  const { signal } = new AbortController()
  connection = await new ImapFlowGateway().connect(login, { timeoutMs: patience, signal })
  return connection
}

function expand(set: string): number[] {
  return set.split(',').flatMap(range => {
    const [first = 0, last = first] = range.split(':').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

const garbage = (place: number) => row(place, 'ENVELOPE ("unclosed" (((')
const isUnreadable = { subject: '', from: [], faults: ['unreadable'], sizeBytes: 50, date: '2026-01-01T00:00:00.000Z' }

test('a row that cannot be read says so in its place, and the others are what they are', async () => {
  const lent = await connect({ exists: 5, rowOf: place => (place === 3 ? garbage(3) : row(place)) })
  const { messages } = await lent.listMessages('INBOX', 10, undefined)
  expect(messages.map(({ uid, subject }) => [uid, subject])).toEqual([
    [105, 'mail 5'],
    [104, 'mail 4'],
    [103, ''],
    [102, 'mail 2'],
    [101, 'mail 1'],
  ])
  expect(messages[2]).toMatchObject(isUnreadable)
  expect(messages[0]?.faults).toEqual([])
  const { message } = await lent.getMessage('INBOX', 103, 1000)
  expect(message).toMatchObject({ uid: 103, ...isUnreadable, text: null, html: null, attachments: [] })
})

test('one at which the whole command fails is found, and costs no other', async () => {
  const refused = new Set([7, 40])
  const rowOf = (place: number) => (refused.has(place) ? { refusal: 'internal error' } : row(place))
  const { messages } = await (await connect({ exists: 50, rowOf })).listMessages('INBOX', 50, undefined)
  expect(messages).toHaveLength(50)
  for (const { uid, faults } of messages)
    expect([uid, faults]).toEqual([uid, refused.has(uid - 100) ? ['unreadable'] : []])
})

test('one that cannot be read can be saved, without a name', async () => {
  const refused = { refusal: 'internal error' }
  const rowOf = (place: number) => (place === 1 ? garbage(1) : place === 2 ? refused : row(place))
  const lent = await connect({ exists: 3, rowOf })
  const whole = async (uid: number) => (await lent.parts.describeWhole('INBOX', uid)).part
  for (const uid of [101, 102]) expect(await whole(uid)).toMatchObject({ name: null, sizeBytes: 50 })
  expect(await whole(103)).toMatchObject({ name: 'mail 3', sizeBytes: 50 })
  expect(await whole(109)).toBeUndefined()
})

test('one that cannot even tell its size is a row with its UID', async () => {
  const script = { exists: 3, rowOf: (place: number) => (place === 2 ? garbage(2) : row(place)) }
  const leastOf = (place: number) => `* ${place} FETCH (UID ${place + 100} RFC822.SIZE (((`
  const lent = await connect({ ...script, leastOf })
  const { messages } = await lent.listMessages('INBOX', 10, undefined)
  expect(messages.map(({ uid, faults }) => [uid, faults])).toEqual([
    [103, []],
    [102, ['unreadable']],
    [101, []],
  ])
  expect((await lent.getMessage('INBOX', 102, 1000)).message).toMatchObject({ uid: 102, faults: ['unreadable'] })
})

test('a server that refuses whatever it is asked is a problem, not a list of nothing', async () => {
  const script = { exists: 3, rowOf: () => ({ refusal: 'no' }), leastOf: () => ({ refusal: 'no' }) }
  const lent = await connect(script)
  await expect(lent.listMessages('INBOX', 10, undefined)).rejects.toMatchObject({ code: 'mail_server_refused' })
})

test('rows that were not requested are left out, however they are written', async () => {
  const extra = [row(1), row(99), row(2, `${structure} ${envelope('a second time')}`), '* 3 FETCH (FLAGS (\\Seen))']
  const lent = await connect({ exists: 3, rowOf: row, extra: extra.join('\r\n') })
  const { messages } = await lent.listMessages('INBOX', 2, undefined)
  expect(messages.map(({ uid, subject }) => [uid, subject])).toEqual([
    [103, 'mail 3'],
    [102, 'mail 2'],
  ])
  expect((await lent.getMessage('INBOX', 103, 1000)).message).toMatchObject({ uid: 103, subject: 'mail 3' })
  expect((await lent.getMessage('INBOX', 777, 1000)).message).toBeUndefined()
})

test('a server that says nothing of the parts is believed, and that is said', async () => {
  const rowOf = (place: number) => row(place, `BODYSTRUCTURE NIL ${envelope('one')}`)
  const { messages } = await (await connect({ exists: 1, rowOf })).listMessages('INBOX', 5, undefined)
  expect(messages).toMatchObject([{ subject: 'one', hasAttachments: false, faults: ['structure_missing'] }])
})
