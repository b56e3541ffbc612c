/**
 * Probes whether a mail server exists: connects, encrypts, reads greeting and capabilities, and leaves. It never logs
 * in.
 */

import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { DiscoveredServer } from '../../contract/autoconfig.ts'
import { type Address, answerWith } from '../platform/network/outbound-guard.ts'
import { LineSocket } from './line-socket.ts'
import { connectionFault, PlaceFault } from './outcome.ts'

export interface LookedAt {
  kind: 'imap' | 'smtp'
  host: string
  port: number
  tls: 'implicit' | 'starttls'
}

export interface LookOptions {
  /** Addresses that the guard has allowed. */
  addresses: readonly Address[]
  signal: AbortSignal
  /** Set by tests only. */
  ca?: string | undefined
}

interface Dialect {
  greeting: RegExp
  /** Matches lines of a multi-line greeting before its last. */
  moreGreeting: RegExp | undefined
  /** Returns a command whose response ends with a line that matches `end`. */
  commandOf(words: string): { line: string; end: RegExp; isDone: RegExp }
  capabilities: string
  leave: string
  startsTls: RegExp
  ways: RegExp
}

const dialects: Record<LookedAt['kind'], () => Dialect> = {
  imap: () => {
    let tag = 0
    return {
      greeting: /^\* OK\b/i,
      moreGreeting: undefined,
      commandOf: words => {
        tag++
        return {
          line: `a${tag} ${words}`,
          end: new RegExp(`^a${tag} `, 'i'),
          isDone: new RegExp(`^a${tag} OK\\b`, 'i'),
        }
      },
      capabilities: 'CAPABILITY',
      leave: 'LOGOUT',
      startsTls: /^\* CAPABILITY\b.* STARTTLS\b/im,
      ways: /\bAUTH=(\S+)/gi,
    }
  },
  smtp: () => ({
    greeting: /^220(?: |$)/,
    moreGreeting: /^220-/,
    commandOf: line => ({ line, end: /^\d{3}(?: |$)/, isDone: /^2\d\d(?: |$)/ }),
    capabilities: 'EHLO localhost',
    leave: 'QUIT',
    startsTls: /^250[ -]STARTTLS\b/im,
    ways: /^250[ -]AUTH[ =](.*)$/gim,
  }),
}

/**
 * Returns the login methods announced over TLS: with STARTTLS, what precedes it is not trusted. The certificate is
 * verified.
 * @throws PlaceFault if there is no server, it speaks another protocol, or has no encryption.
 */
export async function lookAt(server: LookedAt, options: LookOptions): Promise<DiscoveredServer['auth']> {
  const { host, port, tls } = server
  const { signal, ca, addresses } = options
  const place = { host, port, lookup: answerWith(addresses) }
  const trusted = { servername: host, ...(ca === undefined ? {} : { ca }) }
  const isImplicit = tls === 'implicit'
  const socket = isImplicit ? connectTls({ ...place, ...trusted }) : connectPlain(place)
  const lines = new LineSocket(socket)
  const end = () => lines.close()
  signal.addEventListener('abort', end, { once: true })
  try {
    await once(socket, isImplicit ? 'secureConnect' : 'connect', { signal })
    return await talk(lines, server, () => lines.secure(trusted, signal))
  } catch (error) {
    signal.throwIfAborted()
    throw connectionFault(error)
  } finally {
    signal.removeEventListener('abort', end)
    lines.close()
  }
}

async function talk(
  lines: LineSocket,
  { kind, tls }: LookedAt,
  secure: () => Promise<void>,
): Promise<DiscoveredServer['auth']> {
  const dialect = dialects[kind]()
  const ask = async (words: string) => {
    const { line, end, isDone } = dialect.commandOf(words)
    lines.send(line)
    for (let text = ''; ; ) {
      const heard = await lines.next()
      if (heard === undefined) throw new PlaceFault('failed', 'It closed the connection.')
      text += `${heard}\n`
      if (end.test(heard)) return { text, isDone: isDone.test(heard) }
    }
  }
  let greeting = await lines.next()
  while (greeting !== undefined && dialect.moreGreeting?.test(greeting)) greeting = await lines.next()
  if (greeting === undefined || !dialect.greeting.test(greeting)) {
    throw new PlaceFault('failed', `It does not greet as ${kind === 'imap' ? 'an IMAP' : 'an SMTP'} server.`)
  }
  let { text } = await ask(dialect.capabilities)
  if (tls === 'starttls') {
    if (!dialect.startsTls.test(text)) throw new PlaceFault('failed', 'It offers no encryption.')
    const { isDone } = await ask('STARTTLS')
    if (!isDone) throw new PlaceFault('failed', 'It offers encryption, and refuses to start it.')
    await secure()
    text = (await ask(dialect.capabilities)).text
  }
  lines.send(dialect.commandOf(dialect.leave).line)
  return waysIn([...text.matchAll(dialect.ways)].map(match => match[1] ?? '').join(' '))
}

/** Returns login methods; an IMAP server that announces none accepts passwords, by the LOGIN command. */
function waysIn(mechanisms: string): DiscoveredServer['auth'] {
  const hasOauth = /\b(XOAUTH2|OAUTHBEARER)\b/i.test(mechanisms)
  const hasPassword = !hasOauth || /\b(PLAIN|LOGIN|CRAM-MD5|SCRAM-\S+|DIGEST-MD5)\b/i.test(mechanisms)
  return [...(hasPassword ? (['password'] as const) : []), ...(hasOauth ? (['oauth2'] as const) : [])]
}
