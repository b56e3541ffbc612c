/** ImapFlow against a real Dovecot, and against servers that are none or that misbehave. */

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Address } from '../../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { findMessages, termOf } from '../../../test/support/found-messages.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import type { PasswordLogin } from '../../accounts/mail-login.ts'
import { decodeBody } from '../../reading/decode-body.ts'
import { mailGatewaySuite, type TestMessage } from '../mail-gateway.suite.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const gateway = new ImapFlowGateway()
const options = { timeoutMs: patience, signal: new AbortController().signal }
const alice = { user: 'alice@test.local', password: 'pw-alice' }
const bob: Address = { name: 'Bob', email: 'bob@test.local' }
const alicia: Address = { name: null, email: 'alice@test.local' }
const ends: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ maxConnectionsPerUser: 6 })
  })
  afterAll(() => dovecot?.stop())

  const login = (tls: PasswordLogin['tls'], host = '127.0.0.1'): PasswordLogin => {
    const port = tls === 'implicit' ? dovecot.imapsPort : dovecot.imapPort
    return { ...alice, host, port, tls }
  }

  mailGatewaySuite('ImapFlow', async () => {
    await emptyInbox(dovecot)
    return {
      gateway,
      login: login('implicit'),
      deliver: async (message, folder) =>
        (await dovecot.appendMessage(alice.user, raw(message), folder, flagsOf(message))).uid,
      cut: async () => {
        await dovecot.halt()
        await dovecot.resume()
      },
      stop: async () => undefined,
    }
  })

  test('of headers that stand several times a list and a search show the first, with the fault; what arrives too', async () => {
    await emptyInbox(dovecot)
    const mail =
      'From: Ann <ann@x.org>\nFrom: Bob <bob@x.org>\nTo: cy@x.org\nTo: di@x.org\nSubject: =?utf-8?Q?caf=C3=A9?=\nSubject: second\n\nWords.\n'
    const { uid } = await dovecot.appendMessage(alice.user, mail)
    await dovecot.appendMessage(alice.user, 'From: Ann <ann@x.org>\nSubject: plain\n\nSubject: body\n')
    const connection = await gateway.connect(login('none'), options)
    ends.push(() => connection.close())
    const first = {
      uid,
      subject: 'café',
      from: [{ name: 'Ann', email: 'ann@x.org' }],
      fromCount: 1,
      to: [{ name: null, email: 'cy@x.org' }],
      toCount: 1,
      faults: ['repeated_headers'],
    }
    const { messages } = await connection.listMessages('INBOX', 10, undefined)
    expect(messages).toMatchObject([{ subject: 'plain', faults: [] }, first])
    const found = await findMessages(connection, 'INBOX', termOf('from:ann'))
    expect(found.messages.at(-1)).toMatchObject(first)
    expect((await connection.listHeads('INBOX', [uid])).get(uid)).toEqual({ subject: 'café', from: first.from })
  })

  test('TLS from the first byte, STARTTLS and no TLS all lead to the mailbox, by address and by name', async () => {
    for (const tls of ['implicit', 'starttls', 'none'] as const) {
      for (const host of ['127.0.0.1', 'localhost']) {
        const shown: unknown[] = []
        const onCertificate = (certificate: unknown) => shown.push(certificate)
        const connection = await gateway.connect(login(tls, host), { ...options, onCertificate })
        ends.push(() => connection.close())
        expect((await connection.listFolders()).length).toBeGreaterThan(0)
        const times = { from: expect.any(Number), until: expect.any(Number) }
        expect(shown).toEqual(tls === 'none' ? [] : [times])
        await connection.close()
      }
    }
  })

  test('TLS where there is none is a fault of TLS, and no TLS where it is needed ends as too slow', async () => {
    const wrongTls = { ...login('implicit'), port: dovecot.imapPort }
    await expect(gateway.connect(wrongTls, options)).rejects.toMatchObject({
      code: 'mail_server_tls',
      extension: { fault: 'plain_port' },
    })
    for (const tls of ['none', 'starttls'] as const) {
      const wrongPlain = { ...login(tls), port: dovecot.imapsPort }
      await expect(gateway.connect(wrongPlain, options)).rejects.toMatchObject({
        code: 'mail_server_tls',
        extension: { fault: 'tls_port' },
        message: expect.stringContaining('uses implicit TLS'),
      })
    }
  })

  test('of a message its beginning is read, and no more of it than is needed', async () => {
    const text = `X-Top: first\nSubject: long\n\n${'a line\n'.repeat(50_000)}`
    const { uid } = await dovecot.appendMessage(alice.user, text)
    const connection = await gateway.connect(login('none'), options)
    ends.push(() => connection.close())
    const { message } = await connection.getMessage('INBOX', uid, 1024 * 1024)
    expect(message?.head).toMatch(/^X-Top: first\r\nSubject: long\r\n\r\n/)
    expect(message?.head).toHaveLength(16 * 1024)
  })

  test('too many connections are told apart from a wrong password', async () => {
    const open = await Promise.all(Array.from({ length: 6 }, () => gateway.connect(login('none'), options)))
    ends.push(...open.map(connection => () => connection.close()))
    const problem = await gateway.connect(login('none'), options).catch(error => error)
    expect(problem).toMatchObject({ code: 'mail_server_refused', extension: { fault: 'limit' } })
    expect(problem.extension.server_response).toMatch(/Maximum number of connections/)
  })

  test('broken messages are listed and read without a fault', async () => {
    await emptyInbox(dovecot)
    const messages = [
      '\n',
      'no header at all',
      'Subject:\nDate: yesterday at noon\nFrom: <>\n\n',
      'Subject: =?utf-8?B?8J+Y?= =?no-such?Q?x?=\nFrom: =?utf-8?Q?=FF?= <a@b>\nContent-Type: text/plain; charset=no-such\n\nbody\n',
      Buffer.from('From: J\xfcrgen <j@x>\r\nSubject: \xe4\xf6\x01\xfc\r\n\r\n\xff\xfe\x80 raw\r\n', 'latin1'),
      'Content-Type: multipart/mixed; boundary="never-closed"\nDate: Tue, 99 Foo 99999 99:99:99 +9999\n\n--never-closed\n\nhalf\n',
      'Content-Type: multipart/alternative\n\nwithout a boundary\n',
      'Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n!!!not base64!!!\n',
    ]
    const uids: number[] = []
    for (const message of messages) uids.push((await dovecot.appendMessage(alice.user, message)).uid)
    const connection = await gateway.connect(login('none'), options)
    ends.push(() => connection.close())
    const page = await connection.listMessages('INBOX', 50, undefined)
    expect(page.messages.map(message => message.uid)).toEqual(uids.toReversed())
    for (const uid of uids) {
      const { message } = await connection.getMessage('INBOX', uid, 1024)
      expect(message).toMatchObject({ uid, flags: [] })
      expect(JSON.stringify(message).isWellFormed()).toBe(true)
    }
  })

  test('other alphabets and encodings are read as they were meant', async () => {
    const latin = Buffer.from(
      'Subject: =?iso-8859-1?Q?caf=E9?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xe9\r\n',
      'latin1',
    )
    const japanese =
      'Subject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$BF|K\\\x1b(B\n'
    const connection = await gateway.connect(login('none'), options)
    ends.push(() => connection.close())
    for (const [message, word] of [
      [latin, 'café'],
      [japanese, '日本'],
    ] as const) {
      const { uid } = await dovecot.appendMessage(alice.user, message)
      const read = (await connection.getMessage('INBOX', uid, 1024)).message
      const decoded = read?.encoded ? await decodeBody(read.encoded) : read
      expect([read?.subject, decoded?.text?.trim()]).toEqual([word, word])
    }
  })

  test('a folder name that tries to smuggle a command in is only an unknown folder', async () => {
    const connection = await gateway.connect(login('none'), options)
    ends.push(() => connection.close())
    for (const path of ['INBOX\r\nA1 DELETE "Archive"', '"', '*', '../../etc', 'x'.repeat(900), '日本/%']) {
      await expect(connection.listMessages(path, 1, undefined), path).rejects.toMatchObject({
        code: expect.stringMatching(/^(folder_not_found|mail_server_refused)$/),
      })
    }
    expect((await connection.listFolders()).map(folder => folder.path)).toContain('Archive')
  })

  test('an attempt that is given up leaves no connection behind', async () => {
    const abort = new AbortController()
    const attempt = gateway.connect(login('implicit'), { ...options, signal: abort.signal })
    abort.abort(new Error('given up'))
    await expect(attempt).rejects.toThrow('given up')
  })
})

describe('a server that is none', () => {
  const connect = (port: number, tls: PasswordLogin['tls'] = 'none', timeoutMs = patience) =>
    gateway.connect({ ...alice, host: '127.0.0.1', port, tls }, { ...options, timeoutMs })

  test('an unknown host name', async () => {
    const promise = gateway.connect({ ...alice, host: 'nowhere.invalid', port: 143, tls: 'none' }, options)
    await expect(promise).rejects.toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'dns' } })
  })

  test('a port without a listener', async () => {
    const problem = await connect(await freePort()).catch(error => error)
    expect(problem).toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'refused', part: 'imap' } })
  })

  test('a mail server that sends, and a web server that refuses to be kept waiting', async () => {
    for (const words of ['220 mx.example.org ESMTP ready\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n']) {
      const problem = await connect(await listen(socket => socket.write(words))).catch(error => error)
      expect(problem).toMatchObject({ code: 'mail_server_not_imap', extension: { fault: 'not_imap' } })
      expect(problem.extension.server_response).toBe(words.trim())
    }
  })

  test('a server that says nothing, as web servers do', async () => {
    const web = createHttpServer().listen(0, '127.0.0.1')
    await once(web, 'listening')
    ends.push(() => web.close().closeAllConnections())
    await expect(connect(portOf(web), 'none', 400)).rejects.toMatchObject({
      code: 'mail_server_timeout',
      extension: { fault: 'timeout' },
    })
  })

  test('a server that hangs up, in plain words and in the TLS handshake', async () => {
    const port = await listen(socket => socket.destroy())
    await expect(connect(port)).rejects.toMatchObject({
      code: 'mail_server_unreachable',
      extension: { fault: 'closed' },
    })
    await expect(connect(port, 'implicit')).rejects.toMatchObject({ extension: { fault: 'tls' } })
  })

  test('a server without STARTTLS gets no password', async () => {
    const heard: string[] = []
    const port = await listen(socket => answer(socket, heard))
    await expect(connect(port, 'starttls')).rejects.toMatchObject({
      code: 'mail_server_starttls',
      extension: { fault: 'no_starttls' },
      message: expect.stringContaining('does not offer STARTTLS'),
    })
    expect(heard.join('')).not.toMatch(/LOGIN|AUTHENTICATE/)
  })

  test.each([
    ['refuses STARTTLS that it offers', 'STARTTLS', 'starttls', 'mail_server_starttls', 'starttls_refused'],
    ['takes no login without TLS', 'LOGINDISABLED', 'none', 'mail_server_tls', 'login_disabled'],
    [
      'takes no login without TLS, which it offers',
      'STARTTLS LOGINDISABLED',
      'none',
      'mail_server_tls',
      'login_disabled',
    ],
  ] as const)('a server that %s gets no password and is told as that', async (_name, more, tls, code, fault) => {
    const heard: string[] = []
    const port = await listen(socket => answer(socket, heard, 'OK', `IMAP4rev1 ${more}`))
    await expect(connect(port, tls)).rejects.toMatchObject({ code, extension: { fault, part: 'imap' } })
    expect(heard.join('')).not.toMatch(/ LOGIN|AUTHENTICATE/)
  })

  test('a server that asks who we are is told the true version', async () => {
    const heard: string[] = []
    const port = await listen(socket => answer(socket, heard, 'OK', 'IMAP4rev1 ID'))
    const told = new ImapFlowGateway({ version: '7.8.9-rc.1' })
    const connection = await told.connect({ ...alice, host: '127.0.0.1', port, tls: 'none' }, options)
    await connection.close()
    expect(heard.join('')).toContain(' ID ("name" "RustyMail" "version" "7.8.9-rc.1"')
  })

  test('a server that is full says so in its greeting', async () => {
    const port = await listen(socket => socket.end('* BYE Too many connections from your address\r\n'))
    const problem = await connect(port).catch(error => error)
    expect(problem).toMatchObject({ code: 'mail_server_refused', extension: { fault: 'limit' } })
  })

  test('a server that echoes the password does not get it into our words', async () => {
    const port = await listen(socket => answer(socket, [], 'NO LOGIN failed for pw-alice'))
    const problem = await connect(port).catch(error => error)
    expect(problem).toMatchObject({ code: 'mail_login_refused', extension: { fault: 'login' } })
    expect(problem.extension.server_response).toBe('NO LOGIN failed for [password]')
  })
})

/** Speaks just enough IMAP to receive a login. */
function answer(socket: Socket, heard: string[], toLogin = 'OK', capability = 'IMAP4rev1'): void {
  socket.write('* OK ready\r\n')
  socket.on('data', data => {
    heard.push(String(data))
    const [tag, command] = String(data).split(' ')
    if (command?.startsWith('CAPABILITY')) socket.write(`* CAPABILITY ${capability}\r\n${tag} OK done\r\n`)
    else socket.write(`${tag} ${command?.startsWith('LOGIN') ? toLogin : 'BAD unknown'}\r\n`)
  })
}

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return portOf(server)
}

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function emptyInbox(dovecot: Dovecot): Promise<void> {
  const imap = await dovecot.login(alice.user)
  await imap.run('SELECT INBOX')
  await imap.run('STORE 1:* +FLAGS.SILENT (\\Deleted)').catch(() => undefined)
  await imap.run('EXPUNGE')
  imap.close()
}

function flagsOf({ flags = [] }: TestMessage): string[] {
  return flags.map(flag => `\\${flag.charAt(0).toUpperCase()}${flag.slice(1)}`)
}

function raw({ subject, from = bob, to = [alicia], cc, text = '', html, attachment, picture }: TestMessage): string {
  const part = (type: string, body: string | Buffer) =>
    `Content-Type: ${type}; charset=utf-8\nContent-Transfer-Encoding: base64\n\n${base64Lines(body)}\n`
  const join = (boundary: string, parts: string[]) =>
    `${parts.map(content => `--${boundary}\n${content}`).join('')}--${boundary}--\n`
  const texts = [part('text/plain', text)]
  if (html && picture) {
    const logo = `Content-ID: <${picture.contentId}>\nContent-Disposition: inline\n${part(picture.type, picture.bytes)}`
    const related = join('related', [part('text/html', html), logo])
    texts.push(`Content-Type: multipart/related; boundary=related\n\n${related}`)
  } else if (html) texts.push(part('text/html', html))
  const parts = [`Content-Type: multipart/alternative; boundary=either\n\n${join('either', texts)}`]
  if (attachment)
    parts.push(`Content-Disposition: attachment; filename="${attachment.name}"\n${part(attachment.type, 'abc')}`)
  const address = ({ name, email }: Address) => `${encoded(name ?? '')} <${email}>`
  const copies = cc ? `Cc: ${address(cc)}\n` : ''
  const recipients = to.map(({ email }) => email).join(',\n ')
  const head = `From: ${address(from)}\nTo: ${recipients}\n${copies}Subject: ${encoded(subject)}\n`
  return `${head}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=cut\n\n${join('cut', parts)}`
}

/** Encoded words of at most 75 characters (RFC 2047, section 2), none of which breaks a character. */
function encoded(text: string): string {
  const words = text.match(/.{1,15}/gsu) ?? ['']
  return words.map(word => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\n ')
}

/** Wraps as mail does: lines of 76 characters (RFC 2045, section 6.8). */
function base64Lines(body: string | Buffer): string {
  return Buffer.from(body)
    .toString('base64')
    .replaceAll(/.{76}(?=.)/g, '$&\n')
}
