/** The dialogues of IMAP and SMTP before the login. */
import { SmtpLines } from '../outbox/smtp-lines.ts'
import type { Finding } from './check.ts'
import type { Conversation, Dialect } from './talk.ts'

/** Upper bound of lines in one response. */
const mostLines = 100

const passwordless = 'Sign in at the provider (OAuth2) on the account’s page: no password is needed then.'
const tokenMechanism = /^(XOAUTH2|OAUTHBEARER)$/

export const imapDialect: Dialect = {
  name: 'IMAP',
  isGreeting: line => /^\* (OK|PREAUTH|BYE)\b/i.test(line),
  refusalIn: greeting => (/^\* BYE\b/i.test(greeting) ? 'The server turns connections away.' : undefined),
  nudge: 'd0 CAPABILITY\r\n',
  goodbye: 'd9 LOGOUT',
  offers: async talk => {
    const said = await imapAnswer(talk, 'd1', 'CAPABILITY')
    const words = said.flatMap(line => /^\* CAPABILITY (.*)$/i.exec(line)?.[1]?.split(' ') ?? [])
    return new Set(words.map(word => word.toUpperCase()))
  },
  startTls: async talk => {
    const words = (await imapAnswer(talk, 'd2', 'STARTTLS')).at(-1) ?? ''
    return { isReady: /^d2 OK\b/i.test(words), words }
  },
  methods: (offers, isSecure, kind) => {
    const methods = [...offers].filter(word => word.startsWith('AUTH=')).map(word => word.slice('AUTH='.length))
    const isDisabled = offers.has('LOGINDISABLED')
    const details = [
      ['Login methods', methods.join(', ') || 'none named'],
      ['Command LOGIN', isDisabled ? 'disabled (LOGINDISABLED)' : 'allowed'],
    ] as const
    if (kind === 'oauth') return tokens(methods, details)
    if (!isDisabled) return { state: 'ok', words: 'The server accepts passwords on this connection.', details }
    if (!isSecure) {
      const advice = ['Choose STARTTLS or implicit TLS.']
      return { state: 'failed', words: 'The server accepts no password without TLS (LOGINDISABLED).', details, advice }
    }
    return noPassword(methods, details)
  },
  lineSplitter: onLine => ({ sent: line => onLine('client', line), received: line => onLine('server', line) }),
}

export const smtpDialect: Dialect = {
  name: 'SMTP',
  isGreeting: line => /^(220|421|554)([ -]|$)/.test(line) && !/\bFTP\b/i.test(line),
  refusalIn: greeting => (/^220/.test(greeting) ? undefined : 'The server turns connections away.'),
  nudge: 'NOOP\r\n',
  goodbye: 'QUIT',
  offers: async talk => {
    const said = await smtpAnswer(talk, 'EHLO [127.0.0.1]')
    return new Set(said.slice(1).map(line => line.slice(4).toUpperCase()))
  },
  startTls: async talk => {
    const words = (await smtpAnswer(talk, 'STARTTLS')).at(-1) ?? ''
    return { isReady: words.startsWith('220'), words }
  },
  methods: (offers, isSecure, kind) => {
    const named = [...offers].find(word => /^AUTH[ =]/.test(word))
    const methods = named?.split(/[ =]/).slice(1) ?? []
    const size = [...offers].find(word => /^SIZE \d/.test(word))?.slice('SIZE '.length)
    const details = [
      ['Login methods', methods.join(', ') || 'none'],
      ['Largest message', size ? `${Math.floor(Number(size) / 1024 ** 2)} MiB` : 'not said'],
      ['Other extensions', [...offers].filter(word => !/^(AUTH|SIZE|STARTTLS)/.test(word)).join(', ') || 'none'],
    ] as const
    if (methods.length === 0 && !isSecure && offers.has('STARTTLS')) {
      const advice = ['Choose STARTTLS or implicit TLS.']
      return { state: 'failed', words: 'The server accepts logins only over TLS.', details, advice }
    }
    if (methods.length === 0) {
      const advice = ['Check the port: mail programs send through 465 or 587, not through 25.']
      return {
        state: 'warning',
        words: 'The server offers no login: it may accept no mail from here.',
        details,
        advice,
      }
    }
    if (kind === 'oauth') return tokens(methods, details)
    const takesPasswords = methods.some(method => /^(PLAIN|LOGIN|CRAM-MD5)$/.test(method))
    if (takesPasswords) return { state: 'ok', words: 'The server accepts passwords on this connection.', details }
    return noPassword(methods, details)
  },
  lineSplitter: onLine => new SmtpLines(onLine),
}

function noPassword(methods: readonly string[], details: NonNullable<Finding['details']>): Finding {
  const isOauth = methods.some(method => tokenMechanism.test(method))
  const words = isOauth ? 'The server accepts no passwords, only OAuth2.' : 'The server accepts no passwords.'
  return { state: 'warning', words, details, advice: [passwordless] }
}

/** Judges the login methods for an account that signs in by OAuth2. */
function tokens(methods: readonly string[], details: NonNullable<Finding['details']>): Finding {
  if (methods.some(method => tokenMechanism.test(method))) {
    return { state: 'ok', words: 'The server accepts access tokens (OAuth2) on this connection.', details }
  }
  const words = 'The server accepts no access tokens: it offers neither XOAUTH2 nor OAUTHBEARER.'
  const advice = [
    'Check host, port and TLS: this account signs in at its provider, and only that provider’s servers accept its tokens.',
  ]
  return { state: 'failed', words, details, advice }
}

async function imapAnswer(talk: Conversation, tag: string, command: string): Promise<string[]> {
  talk.send(`${tag} ${command}`)
  const said: string[] = []
  while (said.length < mostLines) {
    const line = await talk.readLine()
    said.push(line)
    if (line.startsWith(`${tag} `)) return said
  }
  throw new Error('The server sent far more than was requested.')
}

async function smtpAnswer(talk: Conversation, command: string): Promise<string[]> {
  talk.send(command)
  const said: string[] = []
  while (said.length < mostLines) {
    const line = await talk.readLine()
    said.push(line)
    if (!/^\d{3}-/.test(line)) return said
  }
  throw new Error('The server sent far more than was requested.')
}
