/** Looking at mail servers: real ones with STARTTLS, and such as say something else before TLS than after it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../test/support/dovecot.ts'
import { patience } from '../../test/support/patience.ts'
import { startSocketServer } from '../../test/support/socket-server.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { selfSignedIn } from '../../test/support/tls.ts'
import { type LookedAt, lookAt } from './server-probe.ts'

const dir = tempDir('server-look')
const files = selfSignedIn(dir.path)
const own = { cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') }
let dovecot: Dovecot

beforeAll(async () => {
  dovecot = await startDovecot()
})

afterAll(async () => {
  await dovecot.stop()
  dir.remove()
})

function look(kind: LookedAt['kind'], port: number, { host = 'localhost', ca = own.cert } = {}) {
  const addresses = [{ address: '127.0.0.1', family: 4 as const }]
  const server = { kind, host, port, tls: 'starttls' as const }
  return lookAt(server, { addresses, signal: AbortSignal.timeout(patience), ca })
}

/** Answers of its own before TLS, and others after it; `heard` has all that clients said. */
async function speaking(answer: (line: string, isSecure: boolean) => string | undefined) {
  const heard: string[] = []
  const serve = (socket: Socket, isSecure: boolean) => {
    socket.on('error', () => undefined)
    socket.on('data', piece => {
      for (const line of piece.toString().split('\r\n').filter(Boolean)) {
        heard.push(isSecure ? `secure ${line}` : line)
        const said = answer(line, isSecure)
        if (said !== undefined) socket.write(said)
        if (!/STARTTLS/.test(line) || !/^(220|a\d+ OK)/.test(said ?? '')) continue
        socket.removeAllListeners('data')
        serve(new TLSSocket(socket, { isServer: true, ...own }), true)
      }
    })
  }
  const server = await startSocketServer(socket => {
    socket.write(answer('', false) ?? '')
    serve(socket, false)
  })
  onTestFinished(() => server.stop())
  return { port: server.port, heard }
}

test('a real IMAP server is asked over TLS, with the certificate of its name', async () => {
  const ca = readFileSync(dovecot.certPem, 'utf8')
  expect(await look('imap', dovecot.imapPort, { ca })).toEqual(['password'])
  await expect(look('imap', dovecot.imapPort)).rejects.toThrow('Its certificate is not trusted.')
  await expect(look('imap', dovecot.imapPort, { ca, host: 'imap.example.org' })).rejects.toThrow(
    'Its certificate is for another name.',
  )
})

test('a real SMTP server is asked over TLS, with the certificate of its name', async () => {
  const auth: boolean[] = []
  const smtp = new SMTPServer({
    ...{ ...own, logger: false, disableReverseLookup: true, authMethods: ['XOAUTH2'] },
    onSecure: (_socket, _session, done) => {
      auth.push(true)
      done()
    },
  })
  smtp.on('error', () => undefined)
  const server = smtp.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => new Promise<void>(resolve => smtp.close(() => resolve())))
  const { port } = server.address() as AddressInfo
  expect(await look('smtp', port)).toEqual(['oauth2'])
  expect(auth).toEqual([true])
  await expect(look('smtp', port, { host: 'smtp.example.org' })).rejects.toThrow('is for another name')
})

test('what a server can do is what it says after TLS', async () => {
  const imap = await speaking((line, isSecure) => {
    if (line === '') return '* OK ready\r\n'
    const [tag, command] = line.split(' ')
    const said = isSecure ? 'AUTH=XOAUTH2' : 'STARTTLS LOGINDISABLED AUTH=PLAIN'
    return `${command === 'CAPABILITY' ? `* CAPABILITY IMAP4rev1 ${said}\r\n` : ''}${tag} OK done\r\n`
  })
  expect(await look('imap', imap.port)).toEqual(['oauth2'])
  expect(imap.heard.slice(0, 3)).toEqual(['a1 CAPABILITY', 'a2 STARTTLS', 'secure a3 CAPABILITY'])
  const smtp = await speaking((line, isSecure) => {
    if (line === '') return '220-a long\r\n220 greeting\r\n'
    if (line === 'STARTTLS') return '220 go on\r\n'
    return isSecure ? '250-here\r\n250 AUTH PLAIN XOAUTH2\r\n' : '250-here\r\n250 STARTTLS\r\n'
  })
  expect(await look('smtp', smtp.port)).toEqual(['password', 'oauth2'])
  expect(smtp.heard.slice(0, 3)).toEqual(['EHLO localhost', 'STARTTLS', 'secure EHLO localhost'])
})

test.each<[string, RegExp, (line: string) => string]>([
  ['offers no encryption', /offers no encryption/, () => '* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na1 OK done\r\n'],
  [
    'refuses to start it',
    /refuses to start it/,
    line => (/STARTTLS/.test(line) ? 'a2 NO later\r\n' : '* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n'),
  ],
  [
    'says more before TLS, to be read after it',
    /more before encryption/,
    line =>
      /STARTTLS/.test(line)
        ? 'a2 OK go on\r\n* CAPABILITY AUTH=PLAIN\r\na3 OK done\r\n'
        : '* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n',
  ],
  ['says too much', /more than a mail server does/, () => `* ${'x'.repeat(40_000)}\r\n`],
])('a server that %s is refused', async (_, words, answer) => {
  const { port } = await speaking(line => (line === '' ? '* OK ready\r\n' : answer(line)))
  await expect(look('imap', port)).rejects.toThrow(words)
})
