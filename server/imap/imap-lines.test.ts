/** Parsing of the lines of an IMAP connection. */
import { randomInt } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { encodedForms, expectNothingOf, randomToken } from '../../test/support/secret-samples.ts'
import { startSocketServer } from '../../test/support/socket-server.ts'
import { ProtocolLog, type Speaker } from '../accounts/protocol-log.ts'
import { ImapFlowGateway } from './adapters/imapflow-gateway.ts'
import { ImapLines } from './imap-lines.ts'

/** Feeds each text in chunks of random sizes. */
function hear(said: readonly (readonly [from: Speaker, text: string])[]): string[] {
  const heard: string[] = []
  const lines = new ImapLines((from, line) => heard.push(`${from === 'client' ? '>' : '<'} ${line}`))
  for (const [from, text] of said) {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) {
      const next = at + randomInt(1, 40)
      if (from === 'client') lines.sent(bytes.subarray(at, next))
      else lines.received(bytes.subarray(at, next))
      at = next
    }
  }
  return heard
}

test('commands and status responses are told, never what messages hold', () => {
  for (let run = 0; run < 50; run++) {
    const body = `A7 OK not a line\r\n* BYE either ${'x'.repeat(randomInt(1, 300))}\r\n`
    expect(
      hear([
        ['server', '* OK [CAPABILITY IMAP4rev1] ready\r\n'],
        ['client', 'A1 SELECT "Alles Mögliche"\r\n'],
        ['server', '* 3 EXISTS\r\n* OK [UIDNEXT 7] next\r\nA1 OK [READ-WRITE] done\r\n'],
        ['client', 'A2 UID SEARCH SUBJECT "the divorce" TEXT {5}\r\n'],
        ['server', '+ go on\r\n'],
        ['client', 'words FROM bob\r\n'],
        ['server', '* SEARCH 1 2 3\r\nA2 OK done\r\n'],
        ['client', 'A3 UID FETCH 1:2 (UID BODY.PEEK[])\r\n'],
        [
          'server',
          `* 1 FETCH (UID 1 BODY[] {${body.length}}\r\n${body} X "A9 OK no")\r\n* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\n`,
        ],
        ['server', '* 2 EXPUNGE\r\n* LIST (\\Sent) "/" Private\r\nA3 OK done\r\n'],
        ['client', `A4 APPEND Drafts (\\Draft) {${body.length}+}\r\n${body}\r\n`],
        ['client', 'A5 IDLE\r\n'],
        ['server', '+ idling\r\n'],
        ['client', 'DONE\r\n'],
        ['server', 'A5 NO [ALERT] tired\r\n* XSECRET private\r\nsomething else\r\n'],
      ]),
    ).toEqual([
      ...[
        '< * OK [CAPABILITY IMAP4rev1] ready',
        '> A1 SELECT "Alles Mögliche"',
        '< * 3 EXISTS',
        '< * OK [UIDNEXT 7] next',
      ],
      ...['< A1 OK [READ-WRITE] done', '> A2 UID SEARCH …', '< + …', '< * SEARCH …', '< A2 OK done'],
      ...[
        '> A3 UID FETCH 1:2 (UID BODY.PEEK[])',
        '< * FETCH …',
        '< * FETCH …',
        '< * EXPUNGE …',
        '< * LIST …',
        '< A3 OK done',
      ],
      ...['> A4 APPEND …', '> A5 IDLE', '< + …', '> DONE', '< A5 NO [ALERT] tired', '< * XSECRET …', '< …'],
    ])
  }
})

test('nothing is told of what logs in: not in quotes, in literals, in continuations, nor sent together', () => {
  const secret = 'pass"w\\örd'
  const logins: (readonly [Speaker, string])[][] = [
    [['client', `A1 LOGIN "alice" "pass\\"w\\\\örd"\r\n`]],
    [
      ['client', `A1 LOGIN alice {${Buffer.byteLength(secret)}}\r\n`],
      ['server', '+ go on\r\n'],
      ['client', `${secret}\r\n`],
    ],
    [['client', `a1 login alice {${Buffer.byteLength(secret)}+}\r\n${secret}\r\n`]],
    [
      ['client', 'A1 AUTHENTICATE PLAIN\r\n'],
      ['server', '+ \r\n'],
      ['client', `${Buffer.from(`\0alice\0${secret}`).toString('base64')}\r\n`],
    ],
    [['client', `A1 AUTHENTICATE XOAUTH2 ${Buffer.from(secret).toString('base64')}\r\n`]],
    [
      ['client', `A1 AUTHENTICATE OAUTHBEARER\r\n`],
      ['server', '+ \r\n'],
      ['client', `${Buffer.from(`n,a=alice,\x01auth=Bearer ${secret}\x01\x01`).toString('base64')}\r\n`],
      ['server', `+ ${Buffer.from(JSON.stringify({ status: '401', said: secret })).toString('base64')}\r\n`],
      ['client', 'AQ==\r\n'],
    ],
    [
      ['client', 'A1 AUTHENTICATE LOGIN\r\n'],
      ['server', '+ VXNlcm5hbWU6\r\n'],
      ['client', 'YWxpY2U=\r\n'],
      ['server', '+ UGFzc3dvcmQ6\r\n'],
      ['client', `${Buffer.from(secret).toString('base64')}\r\nA2 NOOP\r\n`],
    ],
  ]
  for (const login of logins) {
    for (let run = 0; run < 20; run++) {
      const tag = login[0]![1].slice(0, 2)
      const heard = hear([...login, ['server', `${tag} OK in\r\n`], ['client', 'A3 NOOP\r\n']])
      expect(heard.slice(-2)).toEqual([`< ${tag} OK in`, '> A3 NOOP'])
      expect(heard[0]).toMatch(/^> A1 (LOGIN|AUTHENTICATE [A-Z0-9]+) …$/i)
      expect(heard.join()).not.toMatch(/alice|YWxp|pass|\u00f6rd|cGFz/)
    }
  }
})

test('a line without end is held no longer than its beginning, and its literal is still seen', () => {
  const long = 'x'.repeat(100_000)
  const heard = hear([
    ['server', `* OK ${long} {3}\r\nA1 \r\nA2 OK done\r\n`],
    ['client', `A3 SELECT ${long}\r\nA4 NOOP\r\n`],
  ])
  expect(heard.map(line => line.slice(0, 10))).toEqual(['< * OK xxx', '< A2 OK do', '> A3 SELEC', '> A4 NOOP'])
  expect(heard[0]?.length).toBeLessThan(9_000)
})

test.each(['AUTH=OAUTHBEARER SASL-IR', 'AUTH=OAUTHBEARER', 'AUTH=XOAUTH2 SASL-IR', 'AUTH=XOAUTH2'])(
  'of real logins with an access token, with %s, no line holds it, whatever the server says again',
  async offers => {
    let token = ''
    let say = (): string => ''
    const responses: string[] = []
    const server = await startSocketServer(socket => {
      let tag = ''
      let isWaiting = false
      socket.write(`* OK [CAPABILITY IMAP4rev1 ${offers}] ready\r\n`)
      socket.on('data', chunk => {
        for (const line of String(chunk).split('\r\n').slice(0, -1)) {
          const [first = '', command, , response] = line.split(' ')
          if (tag !== '' && isWaiting) {
            responses.push(line)
            isWaiting = false
            socket.write(`+ ${Buffer.from(JSON.stringify({ status: '401', said: token })).toString('base64')}\r\n`)
          } else if (tag !== '') {
            socket.write(`${tag} NO [AUTHENTICATIONFAILED] wrong: ${say()}\r\n`)
            tag = ''
          } else if (command === 'AUTHENTICATE') {
            tag = first
            isWaiting = response === undefined
            if (response !== undefined) responses.push(response)
            const challenge = JSON.stringify({ status: '401', said: token })
            socket.write(response === undefined ? '+ \r\n' : `+ ${Buffer.from(challenge).toString('base64')}\r\n`)
          } else socket.write(`* CAPABILITY IMAP4rev1 ${offers}\r\n${first} OK done\r\n`)
        }
      })
    })
    onTestFinished(() => server.stop())
    const gateway = new ImapFlowGateway()
    const place = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'alice@example.org' } as const
    for (let run = 0; run < 13; run++) {
      token = randomToken()
      const said = encodedForms(token)
      say = () => said[run % said.length]!
      const log = new ProtocolLog()
      const connected = gateway.connect(
        { ...place, accessToken: token },
        { timeoutMs: 10_000, signal: AbortSignal.timeout(20_000), onLine: log.open('a', 'imap', [token]) },
      )
      await expect(connected).rejects.toThrow()
      const text = log.linesOf('a').map(line => line.text)
      expect(text).toContainEqual(expect.stringMatching(/^\S+ AUTHENTICATE (OAUTHBEARER|XOAUTH2) …$/))
      expect(text).toContainEqual(expect.stringMatching(/^\S+ NO \[AUTHENTICATIONFAILED\] wrong: /))
      expectNothingOf(token, text.join('\n'))
      expect(text.join()).not.toMatch(/alice/)
      // It was really sent.
      expect(Buffer.from(responses.at(-1)!, 'base64').toString()).toContain(`auth=Bearer ${token}`)
    }
  },
)
