/** Errors of the network and of servers in the words that a person gets. */
import { expect, test } from 'vitest'
import { Problem } from '../../platform/problem.ts'
import { translateFault } from './imapflow-faults.ts'

const context = { host: 'imap.example.org', port: 993, phase: 'session', password: 'p4ss' } as const

function translate(props: object, phase: 'connecting' | 'tls' | 'greeting' | 'session' = 'session') {
  return translateFault(Object.assign(new Error('it broke'), props), { ...context, phase })
}

test.each([
  ['a name without address', { code: 'ENOTFOUND' }, 'mail_server_unreachable', 'dns'],
  ['a name server that is away', { code: 'EAI_AGAIN' }, 'mail_server_unreachable', 'dns'],
  ['a closed port', { code: 'ECONNREFUSED' }, 'mail_server_unreachable', 'refused'],
  ['no way there', { code: 'EHOSTUNREACH' }, 'mail_server_unreachable', 'refused'],
  ['no answer to a packet', { code: 'ETIMEDOUT' }, 'mail_server_timeout', 'timeout'],
  ['no greeting', { code: 'GREETING_TIMEOUT' }, 'mail_server_timeout', 'timeout'],
  ['an expired certificate', { code: 'CERT_HAS_EXPIRED' }, 'mail_server_tls', 'tls'],
  ['a certificate for another name', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'mail_server_tls', 'tls'],
  ['a failed upgrade', { code: 'ECONNRESET', tlsFailed: true }, 'mail_server_tls', 'tls'],
  ['a wrong password', { responseStatus: 'NO', authenticationFailed: true }, 'mail_login_refused', 'login'],
  [
    'a wrong password, said with "try again later"',
    {
      responseStatus: 'NO',
      authenticationFailed: true,
      serverResponseCode: 'AUTHENTICATIONFAILED',
      responseText: 'Wrong. Try again later.',
    },
    'mail_login_refused',
    'login',
  ],
  [
    'a login server that is down',
    { responseStatus: 'NO', authenticationFailed: true, serverResponseCode: 'UNAVAILABLE' },
    'mail_server_refused',
    'limit',
  ],
  [
    'a login server that is down, in the words of Dovecot',
    {
      responseStatus: 'NO',
      authenticationFailed: true,
      serverResponseCode: 'UNAVAILABLE',
      responseText: 'Temporary authentication failure. [host:2026-11-29 12:00:00]',
    },
    'mail_server_refused',
    undefined,
  ],
  [
    'a bug of the server at a login',
    {
      responseStatus: 'NO',
      authenticationFailed: true,
      serverResponseCode: 'SERVERBUG',
      responseText: 'Internal error.',
    },
    'mail_server_refused',
    undefined,
  ],
  [
    'too many, in the words of Dovecot',
    {
      responseStatus: 'NO',
      authenticationFailed: true,
      serverResponseCode: 'UNAVAILABLE',
      responseText: 'Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)',
    },
    'mail_server_refused',
    'limit',
  ],
  [
    'a password that has expired',
    { responseStatus: 'NO', authenticationFailed: true, serverResponseCode: 'EXPIRED' },
    'mail_login_refused',
    'login',
  ],
  [
    'the words of Gmail',
    { responseStatus: 'NO', authenticationFailed: true, responseText: 'Too many simultaneous connections. (Failure)' },
    'mail_server_refused',
    'limit',
  ],
  [
    'a BYE for too many',
    { code: 'ClosedAfterConnectTLS', reason: 'Too many connections' },
    'mail_server_refused',
    'limit',
  ],
  ['throttling', { code: 'ETHROTTLE', responseStatus: 'BAD' }, 'mail_server_refused', 'limit'],
  ['a lost connection', { code: 'NoConnection' }, 'mail_server_unreachable', 'closed'],
  ['a reset connection', { code: 'ECONNRESET' }, 'mail_server_unreachable', 'closed'],
  ['rubbish on the line', { code: 'ParserError11' }, 'mail_server_unreachable', 'closed'],
  ['a folder that is not there', { responseStatus: 'NO', mailboxMissing: true }, 'folder_not_found', undefined],
  ['any other refusal', { responseStatus: 'NO', responseText: 'No.' }, 'mail_server_refused', undefined],
])('%s', (_name, props, code, fault) => {
  const problem = translate(props)
  expect(problem).toBeInstanceOf(Problem)
  expect(problem).toMatchObject({ code })
  expect((problem as Problem).extension.fault).toBe(fault)
})

test('the same broken line is a fault of TLS during the handshake', () => {
  expect(translate({ code: 'ECONNRESET' }, 'tls')).toMatchObject({ code: 'mail_server_tls' })
})

test('the words of the server come in one line, bounded, and without the password in any form', () => {
  const encoded = Buffer.from('p4ss').toString('base64')
  const responseText = `no\r\nuse for p4ss or ${encoded} ${'x'.repeat(2000)}`
  const problem = translate({ responseStatus: 'NO', serverResponseCode: 'ALERT', responseText }) as Problem
  const words = problem.extension.server_response ?? ''
  expect(words).toMatch(/^NO \[ALERT\] no use for \[password\] or \[password\] x/)
  expect(words).toHaveLength(500)
})

test('a bug of ours stays a bug', () => {
  const bug = new TypeError('undefined is not a function')
  expect(translateFault(bug, context)).toBe(bug)
})
