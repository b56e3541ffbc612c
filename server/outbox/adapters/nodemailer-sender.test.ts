/** Sending by SMTP: what is certain at each place where a connection can break, and how connections are used again. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type SinkScript, SmtpSink } from '../../../test/support/smtp-sink.ts'
import { type MailSender, NotSent, UnknownDelivery } from '../mail-sender.ts'
import { inPieces, mailSenderSuite } from './mail-sender.suite.ts'
import { NodemailerSenders, type SessionBounds } from './nodemailer-sender.ts'

const { signal } = new AbortController()
const message = Buffer.from('Subject: Lunch\r\n\r\nAt noon?\r\n')

async function open(script: SinkScript = {}, connections = 3, bounds: Partial<SessionBounds> = {}) {
  const sink = new SmtpSink({ password: 'secret', ...script })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const senders = new NodemailerSenders({ timeoutMs: () => 30_000, bounds })
  const login = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' } as const
  const sender = senders.open('a', async () => login, connections)
  onTestFinished(() => sender.close())
  return { sink, sender }
}

const send = (sender: MailSender, bytes = message, to = ['anne@there.test'], by = signal) =>
  sender.send({ from: 'me@here.test', to }, inPieces(bytes), { sizeBytes: bytes.length, envelopeId: 's1' }, by)

const failure = (sending: Promise<unknown>) =>
  sending.then(
    () => expect.fail('it was sent'),
    (error: unknown) => error as NotSent,
  )

describe('by SMTP', () =>
  mailSenderSuite({
    open: async ({ isAway = false, password, maxBytes, isUtf8 = true, recipient, message: onMessage } = {}, most) => {
      const { sink, sender } = await open(
        {
          ...(password !== undefined && { password }),
          extensions: ['PIPELINING', '8BITMIME', ...(isUtf8 ? ['SMTPUTF8'] : []), `SIZE ${maxBytes ?? 0}`],
          onCommand: line => {
            const [, email] = /^RCPT TO:<(.*?)>/.exec(line) ?? []
            return email === undefined ? undefined : recipient?.(email)
          },
          ...(onMessage && { onMessage }),
        },
        most,
      )
      if (isAway) await sink.stop()
      return { sender, taken: () => sink.taken }
    },
  }))

describe('an SMTP connection', () => {
  test.each([
    'anne\0@there.test',
    'an\tne@there.test',
    'anne@there.test\x7f',
    'anne@there.test\u0085',
    'anne>@there.test',
  ])('carries no address with a control character or a bracket: %j', async email => {
    const commands: string[] = []
    const { sink, sender } = await open({ onCommand: line => void commands.push(line) })
    expect(await failure(send(sender, message, ['bob@there.test', email]))).toMatchObject({ code: 'bad_address' })
    expect([sink.taken, commands.filter(line => /^(MAIL|RCPT)/.test(line))]).toEqual([[], []])
  })

  test.each(['implicit', 'none'] as const)('tells which certificate the server showed: TLS %s', async tls => {
    const server = new SMTPServer({
      ...{ secure: tls === 'implicit', authOptional: true, logger: false },
      disabledCommands: ['AUTH', 'STARTTLS'],
    })
    server.on('error', () => undefined)
    const listening = server.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    onTestFinished(() => new Promise<void>(resolve => server.close(() => resolve())))
    const { port } = listening.address() as AddressInfo
    const shown: unknown[][] = []
    const senders = new NodemailerSenders({
      timeoutMs: () => 30_000,
      certificates: { seen: (...told) => void shown.push(told) },
    })
    const login = { host: '127.0.0.1', port, tls, user: 'me', password: 'secret' } as const
    const sender = senders.open('a', async () => login, 1)
    onTestFinished(() => sender.close())
    await send(sender).catch(() => undefined)
    const certificate = tls === 'none' ? undefined : { from: expect.any(Number), until: expect.any(Number) }
    expect(shown).toEqual([['a', 'smtp', certificate]])
  })

  test.each(['MAIL', 'RCPT', 'DATA'])('that breaks at %s sent nothing', async verb => {
    const { sink, sender } = await open({
      onCommand: line => (line.startsWith(verb) ? 'lose' : undefined),
      extensions: [],
    })
    const error = await failure(send(sender))
    expect(error).toBeInstanceOf(NotSent)
    expect([error.code, error.isTemporary, error.concernsAccount]).toEqual(['connection_lost', true, false])
    expect(sink.taken).toEqual([])
  })

  test('that breaks while the message is on its way sent nothing', async () => {
    const { sink, sender } = await open({ onData: (_bytes, socket) => void socket.destroy() })
    async function* slow() {
      yield message
      await new Promise(() => undefined)
    }
    const figures = { sizeBytes: 100, envelopeId: 's1' }
    const error = await failure(sender.send({ from: 'me@here.test', to: ['anne@there.test'] }, slow(), figures, signal))
    expect(error).toBeInstanceOf(NotSent)
    expect([error.code, sink.taken.length]).toEqual(['connection_lost', 0])
  })

  test('whose server answers before it has the message sent nothing, whatever it says', async () => {
    for (const said of ['552 5.3.4 too large', '250 2.0.0 queued', '421 4.3.2 shutting down']) {
      const { promise: answered, resolve } = Promise.withResolvers<void>()
      const { sink, sender } = await open({
        onData: (_bytes, socket) => void socket.write(`${said}\r\n`, () => resolve()),
      })
      async function* slow() {
        yield message
        await answered
        // No more data comes: the response ends it.
        await new Promise(() => undefined)
      }
      const figures = { sizeBytes: 100, envelopeId: 's1' }
      const envelope = { from: 'me@here.test', to: ['anne@there.test'] }
      const error = await failure(sender.send(envelope, slow(), figures, signal))
      expect(error).toBeInstanceOf(NotSent)
      expect([said, error.isTemporary, sink.taken.length]).toEqual([said, !said.startsWith('5'), 0])
    }
  })

  test('a final answer that is none is unknown', async () => {
    for (const said of ['hello', '354 more', '199 what']) {
      const { sender } = await open({ onMessage: () => said })
      expect([said, await failure(send(sender))]).toEqual([said, expect.any(UnknownDelivery)])
    }
  })

  test('a server that takes DATA otherwise than with 354 gets no message that it could take for commands', async () => {
    const { sink, sender } = await open({ onCommand: line => (line === 'DATA' ? '250 ok' : undefined) })
    expect((await failure(send(sender))).code).toBe('protocol')
    expect(sink.commands.filter(line => /Subject/.test(line))).toEqual([])
  })

  test('is used again after RSET, up to so many messages, and a stale one is replaced', async () => {
    const { sink, sender } = await open({}, 1, { messages: 3 })
    for (let count = 0; count < 7; count++) await send(sender)
    expect([sink.taken.length, sink.connections]).toEqual([7, 3])
    expect(sink.commands.filter(line => line === 'RSET')).toHaveLength(4)
    sink.cut()
    await send(sender)
    expect([sink.taken.length, sink.connections]).toEqual([8, 4])
  })

  test('is closed when it is no longer needed', async () => {
    const { sink, sender } = await open({}, 1, { idleMs: 1 })
    await send(sender)
    const [socket] = sink.sockets
    if (socket && !socket.destroyed) await once(socket, 'close')
    expect(sink.commands.at(-1)).toBe('QUIT')
  })

  test('a server that lets in fewer than were asked for gets all messages by those', async () => {
    const { sink, sender } = await open(
      { greeting: number => (number > 2 ? '421 4.7.0 too many connections' : undefined) },
      5,
    )
    await Promise.all(Array.from({ length: 10 }, () => send(sender)))
    expect(sink.taken).toHaveLength(10)
  })

  test('says what it needs of the server: SIZE, 8BITMIME, an id for reports', async () => {
    const { sink, sender } = await open()
    await send(sender)
    const [mail = ''] = sink.commands.filter(line => line.startsWith('MAIL'))
    expect(mail).toMatch(/^MAIL FROM:<me@here.test> BODY=8BITMIME SIZE=28 RET=HDRS ENVID=s1$/)
    const plain = await open({ extensions: [] })
    const error = await failure(send(plain.sender, Buffer.from('Subject: é\r\n\r\n')))
    expect([error.code, plain.sink.taken.length]).toEqual(['bad_message', 0])
    await send(plain.sender)
    expect(plain.sink.taken).toHaveLength(1)
  })

  test('that is stopped says whether the server can have the message', async () => {
    const stop = new AbortController()
    const { sender } = await open({
      onMessage: async () => {
        stop.abort()
        await new Promise(() => undefined)
        return undefined
      },
    })
    expect(await failure(send(sender, message, ['anne@there.test'], stop.signal))).toBeInstanceOf(UnknownDelivery)
    const early = new AbortController()
    const other = await open({
      onCommand: line => {
        if (!line.startsWith('MAIL')) return undefined
        early.abort()
        return new Promise(() => undefined)
      },
    })
    expect(await failure(send(other.sender, message, ['anne@there.test'], early.signal))).toBeInstanceOf(NotSent)
  })

  test('addresses cannot carry commands', async () => {
    const { sink, sender } = await open()
    for (const to of ['a@there.test>\r\nRCPT TO:<b@there.test', 'a@there.test\r\nDATA', '<a@there.test>']) {
      const error = await failure(send(sender, message, [to]))
      expect([to, error.isTemporary]).toEqual([to, false])
    }
    expect(sink.commands.some(line => /^(RCPT|DATA)/.test(line))).toBe(false)
  })
})
