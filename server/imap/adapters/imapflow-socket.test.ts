/** Certificates: who is believed, and who only because the talk never leaves this machine. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { createServer, type Server, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Authority, type KeyPair } from '../../../test/support/certificates.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startSocketServer } from '../../../test/support/socket-server.ts'
import { type TempDir, tempDir } from '../../../test/support/temp-dir.ts'
import { trust } from '../../../test/support/tls.ts'
import { isLoopback } from '../../accounts/account-verifier.ts'
import { AnswerBudget } from './imapflow-budget.ts'
import { IncomingTurns } from './imapflow-duplex.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'
import { ImapSocket, NotImapError } from './imapflow-socket.ts'

test('only this machine itself counts as local', () => {
  const local = ['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '::1', '[::1]']
  const far = ['localhost.example.org', '127.0.0.1.example.org', '128.0.0.1', '10.0.0.1', '::2', '', '0.0.0.0']
  expect(local.filter(host => !isLoopback(host))).toEqual([])
  expect(far.filter(isLoopback)).toEqual([])
})

// openssl, which creates the certificates, is installed with Dovecot.
describe.skipIf(!available('dovecot'))('certificates', () => {
  let directory: TempDir
  let server: Server | undefined
  beforeAll(() => {
    directory = tempDir('tls')
  })
  afterAll(() => directory.remove())
  afterEach(() => server?.close())

  function selfSigned(): KeyPair {
    const [key, cert] = [join(directory.path, 'key.pem'), join(directory.path, 'cert.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost']
    execFileSync('openssl', ['req', '-x509', ...kind, '-days', '10', '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  }

  /** Serves a greeting, under a self-signed certificate unless given, and returns the client's outcome. */
  async function greetFrom(host: string, greeting: string, pair = selfSigned()): Promise<unknown> {
    server = createServer(pair, socket => {
      socket.on('error', () => undefined).end(greeting)
    }).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => undefined)
    await once(server, 'listening')
    const address = server.address()
    const port = address && typeof address === 'object' ? address.port : 0
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const socket = new ImapSocket(new IncomingTurns(), new AnswerBudget()).connect({ host, port, secure: true }, () =>
      resolve('greeted'),
    )
    socket.on('error', resolve)
    const outcome = await promise
    socket.destroy()
    return outcome
  }

  test('a self-signed one is taken from this machine', async () => {
    expect(await greetFrom('127.0.0.1', '* OK hello\r\n')).toBe('greeted')
  })

  test('the greeting is looked at behind TLS too', async () => {
    expect(await greetFrom('localhost', '220 smtp\r\n')).toBeInstanceOf(NotImapError)
  })

  test('one of a trusted issuer has to be valid on this machine too', async () => {
    const authority = new Authority(directory.path)
    const distrust = trust(join(directory.path, 'ca.pem'))
    try {
      const valid = authority.issue({ name: 'localhost' })
      expect(await greetFrom('localhost', '* OK hello\r\n', valid)).toBe('greeted')
      server?.close()
      const expired = authority.issue({ name: 'localhost', from: '20200101000000Z', to: '20200201000000Z' })
      expect(await greetFrom('localhost', '* OK hello\r\n', expired)).toMatchObject({ code: 'CERT_HAS_EXPIRED' })
    } finally {
      distrust()
    }
  })

  test('a self-signed one is refused from anywhere else', async () => {
    // The machine's own name in the net's special form leads here, but is not known to be local.
    const outcome = await greetFrom('0.0.0.0', '* OK hello\r\n')
    expect(outcome).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  test.each([
    ['nothing', '', true],
    ['more than the answer', '* OK [CAPABILITY IMAP4rev1] injected\r\n* OK inj', false],
  ])('a server that sends %s before the TLS handshake', async (_what, injected, isTaken) => {
    const pair = selfSigned()
    const answerOn = (socket: Duplex) =>
      socket.on('data', (data: Buffer) => {
        const [, tag, command] = /^(\S+) (\S+)/.exec(data.toString()) ?? []
        if (command !== 'STARTTLS') {
          socket.write(`* CAPABILITY IMAP4rev1 STARTTLS\r\n${tag} OK done\r\n`)
          return
        }
        socket.removeAllListeners('data').write(`${tag} OK go on\r\n${injected}`)
        answerOn(new TLSSocket(socket, { isServer: true, ...pair }).on('error', () => undefined))
      })
    const plain = await startSocketServer(socket => {
      socket.write('* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n')
      answerOn(socket.on('error', () => undefined))
    })
    const login = { host: '127.0.0.1', port: plain.port, tls: 'starttls', user: 'a', password: 'b' } as const
    const { signal } = new AbortController()
    try {
      const connecting = new ImapFlowGateway().connect(login, { timeoutMs: patience, signal })
      if (isTaken) await (await connecting).close()
      else await expect(connecting).rejects.toMatchObject({ code: 'mail_server_tls' })
    } finally {
      await plain.stop()
    }
  })
})
