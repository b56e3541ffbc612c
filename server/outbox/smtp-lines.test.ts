/** Parsing of the lines of an SMTP connection. */
import { expect, onTestFinished, test } from 'vitest'
import { encodedForms, expectNothingOf, randomSecret, randomToken } from '../../test/support/secret-samples.ts'
import { SmtpSink } from '../../test/support/smtp-sink.ts'
import { ProtocolLog } from '../accounts/protocol-log.ts'
import { NodemailerSenders } from './adapters/nodemailer-sender.ts'
import { checkSmtp } from './smtp-check.ts'
import { SmtpLines } from './smtp-lines.ts'

test('commands and replies are told without addresses, and nothing of what logs in', () => {
  const heard: string[] = []
  const lines = new SmtpLines((from, line) => heard.push(`${from} ${line}`))
  lines.received('220-mx.test\r\n220 ready')
  lines.sent('EHLO here')
  lines.sent('AUTH LOGIN')
  lines.received('334 VXNlcm5hbWU6')
  lines.sent('YWxpY2U=')
  lines.received('235 welcome alice@example.org')
  lines.sent('MAIL FROM:<alice@example.org> SIZE=12')
  lines.sent('RCPT TO:<bob@example.com>')
  lines.received('550 5.1.1 <bob@example.com>: no such user')
  lines.sent('SECRET words')
  expect(heard).toEqual([
    ...['server 220-mx.test', 'server 220 ready', 'client EHLO here', 'client AUTH LOGIN …', 'server 334 …'],
    ...['server 235 welcome [address]', 'client MAIL FROM:<…>', 'client RCPT TO:<…>'],
    ...['server 550 5.1.1 <[address]>: no such user', 'client …'],
  ])
})

test('of real logins, and of a message, no line holds the password, an address or a word of the message', async () => {
  const sink = new SmtpSink()
  onTestFinished(() => sink.stop())
  await sink.start()
  for (let run = 0; run < 20; run++) {
    const password = randomSecret()
    const said = encodedForms(password)
    sink.script = {
      onCommand: line =>
        line.startsWith('AUTH') ? `535 5.7.8 wrong: ${said[run % said.length]} for a@b.test` : undefined,
    }
    const log = new ProtocolLog()
    const login = { host: '127.0.0.1', port: sink.port, tls: 'none', user: 'alice@example.org', password } as const
    await expect(checkSmtp(login, 10_000, undefined, { onLine: log.open('a', 'smtp', [password]) })).rejects.toThrow()
    const text = log.linesOf('a').map(line => line.text)
    expect(text).toContain('AUTH PLAIN …')
    expectNothingOf(password, text.join('\n'))
    expect(text.join()).not.toMatch(/alice|a@b/)
  }
  sink.script = {}
  const protocol = new ProtocolLog()
  const senders = new NodemailerSenders({ timeoutMs: () => 10_000, protocol })
  const login = { host: '127.0.0.1', port: sink.port, tls: 'none', user: 'alice@example.org', password: 'pw' } as const
  const sender = senders.open('a', async () => login, 1)
  onTestFinished(() => sender.close())
  const bytes = (async function* () {
    yield Buffer.from('Subject: the divorce\r\n\r\nwords\r\n')
  })()
  const envelope = { from: 'alice@example.org', to: ['bob@example.com'] }
  await sender.send(envelope, bytes, { sizeBytes: 31, envelopeId: 'e1' }, AbortSignal.timeout(10_000))
  const lines = protocol.linesOf('a').map(({ text }) => text)
  expect(lines).toEqual(expect.arrayContaining(['MAIL FROM:<…>', 'RCPT TO:<…>', 'DATA']))
  expect(lines.join()).not.toMatch(/alice|bob|divorce|words/)
})

test.each(['XOAUTH2', 'OAUTHBEARER'])(
  'of real logins by %s, no line holds the access token, whatever the server says again',
  async mechanism => {
    const sink = new SmtpSink()
    onTestFinished(() => sink.stop())
    await sink.start()
    for (let run = 0; run < 16; run++) {
      const accessToken = randomToken()
      const said = encodedForms(accessToken)
      const challenge = Buffer.from(JSON.stringify({ status: '401', said: accessToken })).toString('base64')
      const heard: string[] = []
      sink.script = {
        onCommand: line => {
          if (/^EHLO/i.test(line)) return `250-sink.test\r\n250 AUTH PLAIN ${mechanism}`
          heard.push(line)
          if (line.startsWith('AUTH')) return `334 ${challenge}`
          if (line === '' || line === 'AQ==') {
            return `535 5.7.8 wrong: ${said[run % said.length]} for a@b.test`
          }
          return undefined
        },
      }
      const log = new ProtocolLog()
      const login = { host: '127.0.0.1', port: sink.port, tls: 'none', user: 'alice@example.org', accessToken } as const
      const onLine = log.open('a', 'smtp', [accessToken])
      await expect(checkSmtp(login, 10_000, undefined, { onLine })).rejects.toThrow()
      const text = log.linesOf('a').map(line => line.text)
      expect(text).toEqual(
        expect.arrayContaining([`AUTH ${mechanism} …`, '334 …', expect.stringMatching(/^535 5.7.8 wrong/)]),
      )
      expectNothingOf(accessToken, text.join('\n'))
      expect(text.join()).not.toMatch(/alice|a@b/)
      const [, , response = ''] = heard[0]?.split(' ') ?? []
      expect(Buffer.from(response, 'base64').toString()).toContain(`auth=Bearer ${accessToken}`)
    }
  },
)
