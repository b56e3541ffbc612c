/** Logs in to an SMTP server and out again, and says in a person's words why that failed. */
import type { ConnectionFault, ProblemCode } from '../../contract/problem.ts'
import { isLoopback } from '../accounts/account-verifier.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'

/** How nodemailer's codes read here. */
const ofNodemailer: Record<string, [ProblemCode, ConnectionFault, string]> = {
  EAUTH: ['mail_login_refused', 'login', 'The SMTP server refused the user name or password.'],
  EDNS: ['mail_server_unreachable', 'dns', 'The name of the SMTP server does not resolve.'],
  ENOTFOUND: ['mail_server_unreachable', 'dns', 'The name of the SMTP server does not resolve.'],
  EAI_AGAIN: ['mail_server_unreachable', 'dns', 'The name of the SMTP server does not resolve at the moment.'],
  ECONNREFUSED: ['mail_server_unreachable', 'refused', 'Nothing answers at this address and port for SMTP.'],
  ETLS: ['mail_server_tls', 'tls', 'No secure connection to the SMTP server. Is the kind of TLS right for this port?'],
  ETIMEDOUT: ['mail_server_timeout', 'timeout', 'The SMTP server did not answer in time.'],
  EPROTOCOL: ['mail_server_refused', 'closed', 'The SMTP server answered something unexpected.'],
}

interface SmtpError {
  code?: string
  response?: string
  message: string
  cause?: unknown
}

/** @throws Problem with the same faults as for IMAP. Certificates are checked, except on this machine itself. */
export async function checkSmtp(login: MailLogin, timeoutMs: number): Promise<void> {
  // Loaded when first needed: a server that sends nothing does without it.
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host: login.host,
    port: login.port,
    secure: login.tls === 'implicit',
    requireTLS: login.tls === 'starttls',
    ignoreTLS: login.tls === 'none',
    auth: { user: login.user, pass: login.password },
    tls: { rejectUnauthorized: !isLoopback(login.host) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
  })
  try {
    await transport.verify()
  } catch (error) {
    throw translate(error as SmtpError)
  } finally {
    transport.close()
  }
}

function translate(error: SmtpError): Problem {
  const words = error.response?.trim()
  const code = errorCode(error)
  const [problem, fault, detail] = ofNodemailer[code] ?? byWords(error.message)
  return new Problem(problem, detail, {
    fault,
    cause: error,
    ...(words ? { server_response: words.slice(0, 500) } : {}),
  })
}

/** nodemailer says ESOCKET for much; the system's own code tells more. */
function errorCode(error: SmtpError): string {
  const inner = /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT)\b/.exec(error.message)?.[1]
  return inner ?? error.code ?? ''
}

function byWords(message: string): [ProblemCode, ConnectionFault, string] {
  if (/certificate|ssl|tls|wrong version/i.test(message)) return ofNodemailer.ETLS!
  return ['mail_server_unreachable', 'closed', 'The connection to the SMTP server broke.']
}
