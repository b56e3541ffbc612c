/** The outcome of asking one source, and how failures on the way are described. */
import { Problem } from '../platform/problem.ts'
import type { MozillaConfig } from './mozilla-config.ts'
import { NameServerFault } from './name-server.ts'
import type { FoundSettings, Judged } from './offered-servers.ts'
import { UnreadableDocument } from './xml-document.ts'

export interface Found {
  settings: FoundSettings
  /** True if only DNS names it. */
  isByDnsAlone?: boolean
  /** The provider in our own data, if the settings are from there. */
  provider?: MozillaConfig
}

export type Outcome = { state: 'found'; found: Found; words: string } | { state: 'nothing' | 'failed'; words: string }

/** Thrown for a source with no usable answer, or without a response. */
export class PlaceFault extends Error {
  override readonly name = 'PlaceFault'
  readonly state: 'nothing' | 'failed'

  constructor(state: 'nothing' | 'failed', words: string, options?: ErrorOptions) {
    super(words, options)
    this.state = state
  }
}

export function outcomeOf({ settings, refused }: Judged, found: Omit<Found, 'settings'> = {}): Outcome {
  const notOffered = refused.length > 0 ? ` ${refused.join(' ')}` : ''
  if (!settings) {
    if (refused.length > 0) return { state: 'failed', words: refused.join(' ') }
    return { state: 'nothing', words: 'It names no IMAP server.' }
  }
  const { imap, smtp } = settings
  const names = smtp && smtp.host !== imap.host ? `${imap.host} and ${smtp.host}` : imap.host
  return { state: 'found', found: { settings, ...found }, words: `It names ${names}.${notOffered}` }
}

/** Converts expected errors to an outcome; all others are bugs and rethrown. */
export function outcomeOfError(error: unknown, isLate: boolean): Outcome {
  // After the deadline, pending operations end with various errors.
  if (isLate) return { state: 'failed', words: 'No answer in time.' }
  if (error instanceof PlaceFault) return { state: error.state, words: error.message }
  if (error instanceof UnreadableDocument) {
    const isPage = error.message.startsWith('is a web page')
    return { state: isPage ? 'nothing' : 'failed', words: `The answer ${error.message}.` }
  }
  if (error instanceof NameServerFault) return { state: 'failed', words: `The name servers failed: ${error.message}.` }
  if (error instanceof Problem) return { state: 'failed', words: error.message }
  throw error
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'It refuses connections.',
  ECONNRESET: 'It closed the connection.',
  EHOSTUNREACH: 'It cannot be reached.',
  ENETUNREACH: 'It cannot be reached.',
  ETIMEDOUT: 'No answer in time.',
  UND_ERR_CONNECT_TIMEOUT: 'No answer in time.',
  UND_ERR_SOCKET: 'It closed the connection.',
}

/** Returns the error of a connection, with or without TLS, which libraries may wrap as a cause. */
export function connectionFault(error: unknown): PlaceFault | Problem | NameServerFault {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Problem || at instanceof PlaceFault || at instanceof NameServerFault) return at
    const { code } = at as NodeJS.ErrnoException
    if (code === undefined) continue
    const words = unreachable[code]
    if (words !== undefined) return new PlaceFault('nothing', words, { cause: error })
    if (/CERT|SIGNATURE|ALTNAME|ISSUER|SELF_SIGNED/.test(code)) {
      const why = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? 'is for another name' : 'is not trusted'
      return new PlaceFault('failed', `Its certificate ${why}.`, { cause: error })
    }
    if (/SSL|TLS|EPROTO/.test(code)) return new PlaceFault('failed', 'It does not speak TLS.', { cause: error })
  }
  return new PlaceFault('failed', 'The connection failed.', { cause: error })
}
