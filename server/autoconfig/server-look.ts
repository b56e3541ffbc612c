/** Looks whether a mail server is there: connects, reads its greeting and what it can do, and leaves. It never logs in. */

import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import type { DiscoveredServer } from '../../contract/autoconfig.ts'
import { type Address, answerWith } from '../platform/network/outbound-guard.ts'
import { connectionFault, PlaceFault } from './outcome.ts'

export interface LookedAt {
  kind: 'imap' | 'smtp'
  host: string
  port: number
  tls: 'implicit' | 'starttls'
}

export interface LookOptions {
  /** Judged. */
  addresses: readonly Address[]
  signal: AbortSignal
  /** Only tests give another. */
  ca?: string | undefined
}

/** Of all that it says. */
const mostBytes = 16 * 1024

interface Dialogue {
  greeting: RegExp
  ask: string
  /** The last line of the answer. */
  end: RegExp
  leave: string
  startsTls: RegExp
  ways: RegExp
}

const dialogues: Record<LookedAt['kind'], Dialogue> = {
  imap: {
    greeting: /^\* OK\b/i,
    ask: 'a1 CAPABILITY\r\n',
    end: /^a1 /i,
    leave: 'a2 LOGOUT\r\n',
    startsTls: /\bSTARTTLS\b/i,
    ways: /\bAUTH=(\S+)/gi,
  },
  smtp: {
    greeting: /^220 /,
    ask: 'EHLO localhost\r\n',
    end: /^\d{3} /,
    leave: 'QUIT\r\n',
    startsTls: /^250[ -]STARTTLS\b/im,
    ways: /^250[ -]AUTH[ =](.*)$/gim,
  },
}

/**
 * Ways to log in that it announces; certificates are checked.
 * @throws PlaceFault when it is not there, is no such server, or has no encryption.
 */
export async function lookAt(server: LookedAt, options: LookOptions): Promise<DiscoveredServer['auth']> {
  const { host, port } = server
  const place = { host, port, lookup: answerWith(options.addresses) }
  const trusted = options.ca === undefined ? {} : { ca: options.ca }
  const socket =
    server.tls === 'implicit' ? connectTls({ ...place, ...trusted, servername: host }) : connectPlain(place)
  const end = () => void socket.destroy()
  options.signal.addEventListener('abort', end, { once: true })
  try {
    await once(socket, server.tls === 'implicit' ? 'secureConnect' : 'connect', { signal: options.signal })
    const said = await talk(socket, dialogues[server.kind], server)
    return server.tls === 'starttls' ? ['password'] : said
  } catch (error) {
    options.signal.throwIfAborted()
    throw connectionFault(error)
  } finally {
    options.signal.removeEventListener('abort', end)
    socket.on('error', () => undefined)
    socket.destroy()
  }
}

async function talk(socket: Socket, dialogue: Dialogue, { kind, tls }: LookedAt): Promise<DiscoveredServer['auth']> {
  let [bytes, text, hasAsked] = [0, '', false]
  socket.on('data', piece => {
    bytes += piece.length
    if (bytes > mostBytes) socket.destroy(new PlaceFault('failed', 'It says more than a mail server does.'))
  })
  for await (const line of createInterface({ input: socket })) {
    if (hasAsked) text += `${line}\n`
    // SMTP servers may greet in several lines.
    if (!hasAsked && /^220-/.test(line) && kind === 'smtp') continue
    if (!hasAsked && !dialogue.greeting.test(line)) break
    if (!hasAsked) {
      hasAsked = true
      socket.write(dialogue.ask)
    } else if (dialogue.end.test(line)) {
      socket.end(dialogue.leave)
      if (tls === 'starttls' && !dialogue.startsTls.test(text)) {
        throw new PlaceFault('failed', 'It offers no encryption.')
      }
      return waysIn([...text.matchAll(dialogue.ways)].map(match => match[1] ?? '').join(' '))
    }
  }
  throw new PlaceFault('failed', `It does not greet as ${kind === 'imap' ? 'an IMAP' : 'an SMTP'} server.`)
}

/** IMAP has a login of its own, so a server that names nothing takes passwords. */
function waysIn(mechanisms: string): DiscoveredServer['auth'] {
  const hasOauth = /\b(XOAUTH2|OAUTHBEARER)\b/i.test(mechanisms)
  const hasPassword = !hasOauth || /\b(PLAIN|LOGIN|CRAM-MD5|SCRAM-\S+|DIGEST-MD5)\b/i.test(mechanisms)
  return [...(hasPassword ? (['password'] as const) : []), ...(hasOauth ? (['oauth2'] as const) : [])]
}
