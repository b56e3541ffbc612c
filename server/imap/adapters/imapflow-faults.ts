/** Translates errors of ImapFlow, the socket or the server into Problems that say what to fix. */
import type { ConnectionFault, ProblemCode } from '../../../contract/problem.ts'
import type { MailLogin } from '../../accounts/mail-login.ts'
import { safeWords } from '../../accounts/safe-words.ts'
import { Problem } from '../../platform/problem.ts'
import { MailboxFull } from '../gateway-capabilities.ts'
import { NotImapError, type Phase } from './imapflow-socket.ts'

/** The circumstances of an error. */
export interface FaultContext {
  host: string
  port: number
  phase: Phase
  /** Password or access token. Never included in a Problem, even when the server echoes it. */
  password: string
  isToken?: boolean
  /** TLS mode during the login; undefined once the connection is established. */
  tls?: MailLogin['tls']
  /** True when the server advertised STARTTLS. */
  offersStartTls?: boolean
}

/** Fields that errors of ImapFlow and of sockets may carry. */
interface Thrown {
  code?: string
  message?: string
  /** The text of the server's BYE. */
  reason?: string
  responseStatus?: string
  responseText?: string
  serverResponseCode?: string
  authenticationFailed?: boolean
  mailboxMissing?: boolean
  tlsFailed?: boolean
  /** True when the mailbox is over quota. */
  isMailboxFull?: boolean
}

export interface Finding {
  code: ProblemCode
  fault?: ConnectionFault
  detail: string
}

const dnsCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA'])
const refusedCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EACCES'])
const timeoutCodes = new Set(['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT', 'ETIMEOUT', 'ETIMEDOUT'])
const closedCodes = new Set([
  'NoConnection',
  'EConnectionClosed',
  'StateLogout',
  'ClosedAfterConnectText',
  'ClosedAfterConnectTLS',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
])
/** Codes of a folder name that cannot be sent in a command. */
const unsayable = new Set(['InvalidStringValue', 'InvalidTokenValue', 'InvalidTextValue'])
/** Response codes (RFC 5530) of an exceeded limit, not a wrong password. */
const limitCodes = new Set(['LIMIT', 'UNAVAILABLE', 'INUSE', 'OVERQUOTA'])
const limitWords = /too many|maximum number of conn|simultaneous|connection limit|rate limit|throttl|try again later/i
const garbled = /^(ParserError|InvalidResponse|UnexpectedTag|MissingTag)/
/** Codes of our limits and of ImapFlow's, which are a second line of defence. */
const flooding = /^(ServerFlood|MAX_IMAP|LineTooLarge|LiteralTooLarge|ResponseToo|TooMany)/

/** Returns the Problem for an error; an error not caused by the mail server is a bug and returned unchanged. */
export function translateFault(error: unknown, context: FaultContext): unknown {
  if (error instanceof Problem || !(error instanceof Error)) return error
  const words = serverWords(error, context)
  if ((error as Thrown).isMailboxFull) return new MailboxFull(words ?? '')
  const finding = find(error, context)
  if (!finding) return error
  return new Problem(finding.code, finding.detail, {
    part: 'imap',
    ...(finding.fault ? { fault: finding.fault } : {}),
    ...(words ? { server_response: words } : {}),
    cause: error,
  })
}

function find(error: Error & Thrown, context: FaultContext): Finding | undefined {
  const { code = '' } = error
  const at = `${context.host}:${context.port}`
  if (error instanceof NotImapError) {
    return { code: 'mail_server_not_imap', fault: 'not_imap', detail: `What answers at ${at} is not an IMAP server.` }
  }
  if (dnsCodes.has(code)) {
    const detail = `There is no server named ${context.host}; check the spelling.`
    return { code: 'mail_server_unreachable', fault: 'dns', detail }
  }
  if (refusedCodes.has(code)) {
    const detail = `Nothing answers at ${at}; check host and port.`
    return { code: 'mail_server_unreachable', fault: 'refused', detail }
  }
  if (timeoutCodes.has(code)) return tooSlow(context)
  if (unsayable.has(code)) return { code: 'folder_not_found', detail: 'This is not a valid folder name.' }
  if (error.responseStatus === 'NO' || error.responseStatus === 'BAD') return refused(error, context)
  if (isLimit(error)) return limited()
  // No code: the TLS handshake was never attempted.
  if (error.tlsFailed && !code && /STARTTLS/.test(error.message)) return noStartTls(at, context)
  if (plainCodes.has(code) && context.tls === 'implicit') {
    const detail = `The server at ${at} does not use implicit TLS; choose STARTTLS, or its port for implicit TLS.`
    return { code: 'mail_server_tls', fault: 'plain_port', detail }
  }
  if (error.tlsFailed || context.phase === 'tls' || /^ERR_(SSL|TLS|OSSL)|CERT|STARTTLS_INJECTION/.test(code)) {
    const detail = `No secure connection to ${at}: ${tlsWords(error)}. Check port and TLS kind.`
    return { code: 'mail_server_tls', fault: 'tls', detail }
  }
  if (/^(Login is disabled|Unsupported authentication|No matching auth)/.test(error.message)) {
    const what = context.isToken ? 'sign-in by OAuth2' : 'password'
    return loginDisabled(`The server at ${at} accepts no ${what} on this connection; it may require TLS.`)
  }
  if (closedCodes.has(code)) {
    return {
      code: 'mail_server_unreachable',
      fault: 'closed',
      detail: `The mail server at ${at} closed the connection.`,
    }
  }
  if (flooding.test(code)) {
    const detail = `The mail server at ${at} sent far more than requested; the connection was closed.`
    return { code: 'mail_server_unreachable', fault: 'flood', detail }
  }
  if (garbled.test(code)) {
    const detail = `The mail server at ${at} sent something that is not IMAP.`
    return { code: 'mail_server_unreachable', fault: 'closed', detail }
  }
  return undefined
}

/** @param context Says in which phase the server was too slow. */
export function tooSlow({ host, port, phase }: Pick<FaultContext, 'host' | 'port' | 'phase'>): Finding {
  const at = `${host}:${port}`
  const details: Record<Phase, string> = {
    connecting: `The connection to ${at} timed out; check host and port.`,
    tls: `The TLS handshake with ${at} timed out; check port and TLS kind.`,
    greeting: `${at} accepted the connection but sent no greeting; check port and TLS kind.`,
    session: `The mail server at ${at} did not answer in time.`,
  }
  return { code: 'mail_server_timeout', fault: 'timeout', detail: details[phase] }
}

/** Codes of a handshake on a plaintext port, which the server answers in plaintext. */
const plainCodes = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])

function noStartTls(at: string, { offersStartTls }: FaultContext): Finding {
  if (offersStartTls) {
    const detail = `The server at ${at} offers STARTTLS but refused to start it. No password was sent.`
    return { code: 'mail_server_starttls', fault: 'starttls_refused', detail }
  }
  const detail = `The server at ${at} does not offer STARTTLS. No password was sent.`
  return { code: 'mail_server_starttls', fault: 'no_starttls', detail }
}

function loginDisabled(detail: string): Finding {
  return { code: 'mail_server_tls', fault: 'login_disabled', detail }
}

/** The server expects a TLS handshake on a connection opened in plaintext, with or without STARTTLS. */
export function wantsTls({ host, port }: Pick<FaultContext, 'host' | 'port'>): Finding {
  const detail = `${host}:${port} uses implicit TLS; choose that kind of TLS, or another port.`
  return { code: 'mail_server_tls', fault: 'tls_port', detail }
}

function refused(error: Thrown, { isToken }: FaultContext): Finding {
  if (error.mailboxMissing) return { code: 'folder_not_found', detail: 'There is no such folder.' }
  const { authenticationFailed, serverResponseCode: responseCode = '', responseText = '' } = error
  if (authenticationFailed && isLoginDown(responseCode, responseText)) {
    return { code: 'mail_server_refused', detail: 'The mail server cannot authenticate anyone at the moment.' }
  }
  if (responseCode !== 'AUTHENTICATIONFAILED' && isLimit(error)) return limited()
  if (/^(PRIVACYREQUIRED|ENCRYPTNEEDED)$/.test(responseCode)) {
    return loginDisabled('The mail server allows logins only over TLS.')
  }
  if (authenticationFailed) {
    const detail = isToken
      ? 'The mail server rejected the access of this user: another user signed in, or IMAP is disabled there.'
      : 'The mail server rejected the user name or password.'
    return { code: 'mail_login_refused', fault: 'login', detail }
  }
  return { code: 'mail_server_refused', detail: 'The mail server rejected the command.' }
}

/** `UNAVAILABLE` is also sent for too many connections. */
function isLoginDown(responseCode: string, text: string): boolean {
  if (responseCode === 'SERVERBUG') return true
  return responseCode === 'UNAVAILABLE' && /authenticat|internal|temporarily unavailable/i.test(text)
}

function isLimit(error: Thrown): boolean {
  if (error.code === 'ETHROTTLE' || limitCodes.has(error.serverResponseCode ?? '')) return true
  return limitWords.test(`${error.responseText ?? ''} ${error.reason ?? ''}`)
}

function limited(): Finding {
  const detail = 'The mail server accepts no more connections for this account.'
  return { code: 'mail_server_refused', fault: 'limit', detail }
}

function tlsWords(error: Thrown): string {
  const known: ReadonlyMap<string, string> = new Map(
    Object.entries({
      CERT_HAS_EXPIRED: 'its certificate has expired',
      ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
      DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
      SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by a trusted authority',
      UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by a trusted authority',
      UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by a trusted authority',
      ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
      ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there',
    }),
  )
  return known.get(error.code ?? '') ?? 'the TLS handshake failed'
}

function serverWords(error: Error & Thrown, { password }: FaultContext): string | undefined {
  const status = [error.responseStatus, error.serverResponseCode && `[${error.serverResponseCode}]`, error.responseText]
  const words = error instanceof NotImapError ? error.greeting : (error.reason ?? status.filter(Boolean).join(' '))
  return safeWords(words, password) || undefined
}
