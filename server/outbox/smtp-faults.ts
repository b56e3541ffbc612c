/** Translates errors of nodemailer, the socket or an SMTP server into Problems that say what to fix. */
import type { ConnectionFault, ProblemCode } from '../../contract/problem.ts'
import { type MailLogin, secretOf } from '../accounts/mail-login.ts'
import { safeWords } from '../accounts/safe-words.ts'
import { Problem } from '../platform/problem.ts'

/** Properties of nodemailer's errors. */
interface Thrown {
  /** nodemailer's own code: EAUTH. */
  code?: string
  /** The code of the system or the TLS library, if nodemailer replaced it by its own. */
  originalCode?: string
  /** The server's response, and the reply code that it begins with. */
  response?: string
  responseCode?: number
}

interface Finding {
  code: ProblemCode
  fault: ConnectionFault
  detail: string
}

type Place = Pick<MailLogin, 'host' | 'port'>

const dnsCodes = new Set(['EDNS', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])
const refusedCodes = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'EACCES'])
/** Replies that ask for TLS before a login (RFC 4954, section 6). */
const wantsTls = new Set([523, 530, 538])

/** Translates an error into a Problem, with the same faults as for IMAP. */
export function toSmtpProblem(error: unknown, login: MailLogin): Problem {
  if (error instanceof Problem) return error
  const thrown: Error & Thrown = error instanceof Error ? error : new Error(String(error))
  const words = thrown.response && safeWords(thrown.response, secretOf(login))
  const { code, fault, detail } = find(thrown, login)
  return new Problem(code, detail, {
    fault,
    part: 'smtp',
    // Not the error itself, which carries the server's response unfiltered.
    cause: new Error(safeWords(`${thrown.originalCode ?? thrown.code ?? ''} ${thrown.message}`, secretOf(login))),
    ...(words ? { server_response: words } : {}),
  })
}

export function tooSlow({ host, port }: Place): Problem {
  const detail = `The SMTP server at ${host}:${port} did not answer in time; check port and TLS kind.`
  return new Problem('mail_server_timeout', detail, { fault: 'timeout', part: 'smtp' })
}

function find(error: Error & Thrown, login: MailLogin): Finding {
  const { host, port, tls } = login
  const { code = '', originalCode = code } = error
  const at = `${host}:${port}`
  if (refusedCodes.has(originalCode)) {
    const detail = `Nothing answers at ${at}; check host and port.`
    return { code: 'mail_server_unreachable', fault: 'refused', detail }
  }
  if (code === 'ETIMEDOUT' || originalCode === 'ETIMEDOUT') {
    const { message } = tooSlow({ host, port })
    return { code: 'mail_server_timeout', fault: 'timeout', detail: message }
  }
  if (dnsCodes.has(code) || dnsCodes.has(originalCode)) {
    const detail = `There is no server named ${host}; check the spelling.`
    return { code: 'mail_server_unreachable', fault: 'dns', detail }
  }
  if (code === 'EAUTH') return loginRefused(error, at, login.accessToken !== undefined)
  if (code === 'ETLS' && /upgrading connection with STARTTLS/.test(error.message)) return noStartTls(error, at)
  if (/wrong.version.number|packet.length.too.long/i.test(`${originalCode} ${error.message}`) && tls === 'implicit') {
    const detail = `The SMTP server at ${at} does not use implicit TLS; choose STARTTLS, or its port for implicit TLS.`
    return { code: 'mail_server_tls', fault: 'plain_port', detail }
  }
  if (code === 'ETLS' || /certificate|ssl|tls|wrong version/i.test(`${originalCode} ${error.message}`)) {
    const detail = `No secure connection to ${at}. Check port and TLS kind.`
    return { code: 'mail_server_tls', fault: 'tls', detail }
  }
  // Every SMTP reply begins with a three-digit code (RFC 5321, section 4.2).
  if (error.response && !/^\d{3}(?!\d)/.test(error.response)) {
    const detail = `What answers at ${at} is not an SMTP server.`
    return { code: 'mail_server_not_imap', fault: 'not_imap', detail }
  }
  if (error.response || code === 'EPROTOCOL') {
    const detail = `The SMTP server at ${at} refused to continue.`
    return { code: 'mail_server_refused', fault: 'closed', detail }
  }
  const detail = `The SMTP server at ${at} closed the connection.`
  return { code: 'mail_server_unreachable', fault: 'closed', detail }
}

/**
 * A permanent refusal means that the server does not know STARTTLS; a server that knows it but cannot start TLS refuses
 * temporarily (RFC 3207).
 */
function noStartTls({ responseCode = 0 }: Thrown, at: string): Finding {
  if (responseCode >= 500 || responseCode === 0) {
    const detail = `The SMTP server at ${at} does not offer STARTTLS. No password was sent.`
    return { code: 'mail_server_starttls', fault: 'no_starttls', detail }
  }
  const detail = `The SMTP server at ${at} offers STARTTLS but refused to start it. No password was sent.`
  return { code: 'mail_server_starttls', fault: 'starttls_refused', detail }
}

/** The server waits for a TLS handshake although plain text was expected, with or without STARTTLS. */
export function wantsTlsFirst({ host, port }: Place): Problem {
  const detail = `${host}:${port} uses implicit TLS; choose that kind of TLS, or another port.`
  return new Problem('mail_server_tls', detail, { fault: 'tls_port', part: 'smtp' })
}

/** The server supports logins, but not on this connection (RFC 4954, section 4). */
export function takesNoPlainLogin({ host, port }: Place): Problem {
  const detail = `The SMTP server at ${host}:${port} allows logins only over TLS.`
  return new Problem('mail_server_tls', detail, { fault: 'login_disabled', part: 'smtp' })
}

/** The server accepts only passwords, or none of the mechanisms for tokens. */
export function takesNoToken({ host, port }: Place): Problem {
  const detail = `The SMTP server at ${host}:${port} accepts no sign-in by OAuth2 (XOAUTH2 or OAUTHBEARER) on this connection.`
  return new Problem('mail_server_tls', detail, { fault: 'login_disabled', part: 'smtp' })
}

function loginRefused({ responseCode = 0 }: Thrown, at: string, isToken: boolean): Finding {
  if (wantsTls.has(responseCode)) {
    const detail = `The SMTP server at ${at} allows logins only over TLS.`
    return { code: 'mail_server_tls', fault: 'login_disabled', detail }
  }
  if (responseCode >= 400 && responseCode < 500) {
    const detail = `The SMTP server at ${at} accepts no logins at the moment.`
    return { code: 'mail_server_refused', fault: 'closed', detail }
  }
  const detail = isToken
    ? 'The SMTP server rejected this access: a different user signed in, or sending by SMTP is disabled for this user.'
    : 'The SMTP server rejected the user name or password.'
  return { code: 'mail_login_refused', fault: 'login', detail }
}
