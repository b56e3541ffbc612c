/** Trying an SMTP server: a real one, and such as are none or misbehave. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { inspect } from 'node:util'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../../test/support/free-port.ts'
import { drip, startSocketServer } from '../../test/support/socket-server.ts'
import type { PasswordLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import { checkSmtp } from './smtp-check.ts'

const password = 'pw-änne-4711'
const account = { host: '127.0.0.1', tls: 'none', user: 'anne@test.local', password } as const
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** Whatever was wrong, the password is nowhere in it. */
async function fault(login: Partial<PasswordLogin> & { port: number }, timeoutMs = 10_000): Promise<Problem> {
  const problem = await checkSmtp({ ...account, ...login }, timeoutMs).catch((error: unknown) => error)
  if (!(problem instanceof Problem)) throw new Error(`no problem, but ${inspect(problem)}`)
  const told = inspect(problem, { depth: 10, showHidden: true })
  for (const secret of [password, Buffer.from(password).toString('base64'), plainAuth])
    expect(told).not.toContain(secret)
  return problem
}

const plainAuth = Buffer.from(`\0${account.user}\0${password}`).toString('base64')

describe('a real server', () => {
  async function start(options: SMTPServerOptions = {}) {
    const said: string[] = []
    const smtp = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      logger: false,
      onAuth: (auth, _session, answer) => {
        said.push(`${auth.username} ${auth.password}`)
        if (auth.password === password) return answer(null, { user: auth.username })
        answer(Object.assign(new Error('5.7.8 Wrong, says the house'), { responseCode: 535 }))
      },
      onClose: () => void said.push('gone'),
      ...options,
    })
    smtp.on('error', () => undefined)
    const server = smtp.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(() => new Promise<void>(resolve => smtp.close(() => resolve())))
    return { port: (server.address() as AddressInfo).port, said }
  }

  test('the right login passes, with every kind of TLS that the server has, and says goodbye', async () => {
    const plain = await start()
    const secure = await start({ secure: true })
    await checkSmtp({ ...account, port: plain.port }, 10_000)
    await checkSmtp({ ...account, port: plain.port, tls: 'starttls', host: 'localhost' }, 10_000)
    await checkSmtp({ ...account, port: secure.port, tls: 'implicit' }, 10_000)
    await expect
      .poll(() => plain.said)
      .toEqual(
        Array(2)
          .fill([`${account.user} ${password}`, 'gone'])
          .flat(),
      )
    await expect.poll(() => secure.said).toEqual([`${account.user} ${password}`, 'gone'])
  })

  test("a wrong password is a fault of the login, in the server's words", async () => {
    const { port } = await start()
    const problem = await fault({ port, password: 'wrong' })
    expect(problem).toMatchObject({ code: 'mail_login_refused', extension: { fault: 'login', part: 'smtp' } })
    expect(problem.extension.server_response).toContain('535 5.7.8 Wrong, says the house')
  })

  test('TLS on a plain port, and STARTTLS where there is none, are faults of TLS, and no password is sent', async () => {
    const { port, said } = await start({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    const plain = await fault({ port, tls: 'implicit' })
    expect(plain).toMatchObject({ code: 'mail_server_tls', extension: { fault: 'plain_port' } })
    const without = await fault({ port, tls: 'starttls' })
    expect(without).toMatchObject({ code: 'mail_server_starttls', extension: { fault: 'no_starttls', part: 'smtp' } })
    expect(without.message).toContain('does not offer STARTTLS')
    expect(said.filter(words => words !== 'gone')).toEqual([])
  })

  test('plain words to a port that wants TLS are told as that', async () => {
    const { port } = await start({ secure: true })
    for (const tls of ['none', 'starttls'] as const) {
      const problem = await fault({ port, tls })
      expect(problem, tls).toMatchObject({ code: 'mail_server_tls', extension: { fault: 'tls_port', part: 'smtp' } })
    }
  })
})

test('an unknown host name', async () => {
  const problem = await fault({ host: 'nowhere.invalid', tls: 'implicit', port: 465 }, 20_000)
  expect(problem).toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'dns' } })
})

test('a port without a listener, by address and by name', async () => {
  const port = await freePort()
  for (const host of ['127.0.0.1', 'localhost']) {
    const problem = await fault({ host, port })
    expect(problem, host).toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'refused' } })
  }
})

describe('a server that misbehaves', () => {
  async function listen(onConnection: (socket: Socket) => void) {
    const server = await startSocketServer(onConnection)
    ends.push(() => server.stop())
    return server
  }

  /** Speaks SMTP up to the login. */
  function speak(socket: Socket, atLogin: (line: string) => void): void {
    socket.write('220 mx.test ESMTP\r\n')
    socket.on('data', data => {
      if (String(data).startsWith('EHLO')) socket.write('250-mx.test\r\n250 AUTH PLAIN\r\n')
      else atLogin(String(data).trim())
    })
  }

  test.each<[string, (socket: Socket) => void]>([
    // It reads its input: otherwise it would not notice the end of a connection.
    ['says nothing', socket => void socket.resume()],
    ['drips a greeting', socket => drip(socket, '220-hello\r\n', 20)],
    ['drips one endless line', socket => drip(socket, 'x', 20)],
    [
      'drips the answer to EHLO',
      socket => {
        socket.write('220 mx.test\r\n')
        socket.once('data', () => drip(socket, '250-X\r\n', 20))
      },
    ],
    ['drips the answer to the login', socket => speak(socket, () => drip(socket, '235-x\r\n', 20))],
    ['asks again and again', socket => speak(socket, () => setTimeout(() => socket.write('334 more\r\n'), 20))],
  ])('one that %s is given up in time, and its connection is gone', async (_name, onConnection) => {
    const server = await listen(onConnection)
    const problem = await fault({ port: server.port }, 300)
    expect(problem).toMatchObject({ code: 'mail_server_timeout', extension: { fault: 'timeout' } })
    await expect.poll(() => server.sockets.size).toBe(0)
  })

  test('a goodbye that is never answered is not waited for', async () => {
    const server = await listen(socket =>
      speak(socket, line => (line === 'QUIT' ? drip(socket, '221-bye\r\n', 20) : socket.write('235 in\r\n'))),
    )
    // Waiting for it would take this long, and longer than a test may.
    await checkSmtp({ ...account, port: server.port }, 120_000)
    await expect.poll(() => server.sockets.size).toBe(0)
  })

  test('one that refuses STARTTLS, and one that takes logins only behind it, are told as that', async () => {
    const ehlo = (socket: Socket, atElse: string) => {
      socket.write('220 mx.test ESMTP\r\n')
      socket.on('data', data => {
        socket.write(String(data).startsWith('EHLO') ? '250-mx.test\r\n250 STARTTLS\r\n' : atElse)
      })
    }
    const { port } = await listen(socket => ehlo(socket, '454 4.7.0 TLS not available\r\n'))
    const refused = await fault({ port, tls: 'starttls' })
    expect(refused).toMatchObject({ code: 'mail_server_starttls', extension: { fault: 'starttls_refused' } })
    expect(refused.extension.server_response).toBe('454 4.7.0 TLS not available')
    const plain = await fault({ port, tls: 'none' })
    expect(plain).toMatchObject({ code: 'mail_server_tls', extension: { fault: 'login_disabled' } })
  })

  test('a web server and an IMAP server are no SMTP servers', async () => {
    for (const words of ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', '* OK IMAP4rev1 ready\r\n']) {
      const { port } = await listen(socket => socket.write(words))
      const problem = await fault({ port })
      expect(problem).toMatchObject({ code: 'mail_server_not_imap', extension: { fault: 'not_imap' } })
      expect(problem.message).toContain('not an SMTP server')
      expect(problem.extension.server_response).toBe(words.split('\r\n')[0])
    }
  })

  test('one that has no time for us is not taken for something else', async () => {
    const { port } = await listen(socket => socket.end('421 4.3.2 too busy\r\n'))
    const problem = await fault({ port })
    expect(problem).toMatchObject({ code: 'mail_server_refused', extension: { server_response: '421 4.3.2 too busy' } })
    const { port: later } = await listen(socket => speak(socket, () => socket.write('454 4.7.0 not now\r\n')))
    expect(await fault({ port: later })).toMatchObject({ code: 'mail_server_refused' })
  })

  test('one that hangs up, and one that floods us, are named and let go', async () => {
    const { port } = await listen(socket => socket.destroy())
    expect(await fault({ port })).toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'closed' } })
    const flood = await listen(socket => {
      socket.write('220 mx.test\r\n')
      socket.once('data', () => socket.write('y'.repeat(1024 * 1024)))
    })
    expect(await fault({ port: flood.port })).toMatchObject({ code: 'mail_server_refused' })
    await expect.poll(() => flood.sockets.size).toBe(0)
  })

  test('one that echoes what it was sent does not get the password into our words', async () => {
    const { port } = await listen(socket => speak(socket, line => socket.write(`535 no ${line} or ${password}\r\n`)))
    const problem = await fault({ port })
    expect(problem.extension.server_response).toBe('535 no AUTH PLAIN [password] or [password]')
  })
})
