/** Looks at one mail server from its name to the login, within a bound of time, and says what it found of each step. */
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import type { ServerFacts } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { type Check, type Finding, oneLine, skipped, timed, within } from './check.ts'
import { imapDialect, smtpDialect } from './dialects.ts'
import { dateIn } from './greeting.ts'
import { mailboxChecks } from './mailbox-checks.ts'
import { hintsFor } from './provider-hints.ts'
import { type Guard, type Part, reachServer } from './reach-server.ts'
import { talk } from './talk.ts'

export interface ServerToDiagnose {
  part: Part
  login: MailLogin
  /** Why no login is to be tried, in words; undefined where it is. */
  whyNoLogin?: string | undefined
}

export interface DiagnosingOptions {
  guard: Guard
  /** For each step. */
  stepMs: number
  /** Logs in and asks the server about itself. @throws Problem */
  logInToImap(login: MailLogin, timeoutMs: number, signal: AbortSignal): Promise<ServerFacts>
  logInToSmtp(login: MailLogin, timeoutMs: number): Promise<void>
  onLine?: ((part: Part) => LineListener | undefined) | undefined
  now(): number
}

export interface ServerDiagnosis {
  checks: Check[]
  /** The server refused user or password. */
  refused: Problem | undefined
  /** It logged in. */
  isIn: boolean
  facts: ServerFacts | undefined
  /** What tells of the clock: the server's in milliseconds, or the beginning of a certificate that is not valid yet. */
  serverTime: number | undefined
  notBefore: Date | undefined
}

const later = ['quota', 'folders', 'capabilities'] as const

export async function diagnoseServer(
  { part, login, whyNoLogin }: ServerToDiagnose,
  options: DiagnosingOptions,
  signal: AbortSignal,
): Promise<ServerDiagnosis> {
  const { stepMs, now } = options
  const { host, port, tls } = login
  const none = { refused: undefined, isIn: false, facts: undefined, serverTime: undefined, notBefore: undefined }
  const reached = await reachServer(part, { host, port }, options, signal)
  if (!reached.address) {
    const rest = unreached(part, tls).map(id => skipped(part, id, 'Not reached: see above.'))
    const ids = new Set(reached.checks.map(({ id }) => id))
    return { checks: [...reached.checks, ...rest.filter(({ id }) => !ids.has(id))], ...none }
  }
  const target = { part, host, port, tls }
  const dialect = part === 'imap' ? imapDialect : smtpDialect
  const { address } = reached
  const onLine = options.onLine?.(part)
  const talked = await talk({ target, dialect, address, stepMs, signal, onLine, now: now() })
  const checks = [...reached.checks, ...talked.checks]
  const rest = { serverTime: dateIn(talked.greeting)?.getTime(), notBefore: talked.notBefore }
  const why = talked.whyNoLogin ? 'Not tried, and no password was sent: see above.' : whyNoLogin
  if (why !== undefined) {
    const ids = part === 'imap' ? (['login', ...later] as const) : (['login'] as const)
    return { checks: [...checks, ...ids.map(id => skipped(part, id, why))], ...none, ...rest }
  }
  const outcome = await logIn(part, login, options, signal)
  const mailbox = part === 'imap' ? mailboxChecks(outcome.facts) : []
  return { checks: [...checks, outcome.check, ...mailbox], ...outcome, ...rest }
}

function unreached(part: Part, tls: MailLogin['tls']): Check['id'][] {
  const steps: Record<MailLogin['tls'], Check['id'][]> = {
    implicit: ['tls', 'greeting'],
    starttls: ['greeting', 'starttls', 'tls'],
    none: ['greeting', 'starttls'],
  }
  return ['port', ...steps[tls], 'login_methods', 'login', ...(part === 'imap' ? later : [])]
}

async function logIn(part: Part, login: MailLogin, options: DiagnosingOptions, signal: AbortSignal) {
  const { logInToImap, logInToSmtp, stepMs } = options
  // Several questions are asked behind the login.
  const ms = stepMs * 2
  let refused: Problem | undefined
  let facts: ServerFacts | undefined
  let isIn = false
  const check = await timed(part, 'login', async () => {
    try {
      if (part === 'imap') facts = await within(ms, signal, logInToImap(login, stepMs, signal))
      else await within(ms, signal, logInToSmtp(login, stepMs))
      isIn = true
      const software = facts?.software ? [['Server software', facts.software] as const] : []
      return { state: 'ok', words: 'The login succeeded.', details: software }
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.extension.fault === 'login') refused = error
      return refusal(error, login.host)
    }
  })
  return { check, refused, isIn, facts }
}

function refusal(problem: Problem, host: string): Finding {
  const { fault, server_response: said } = problem.extension
  const details = said ? [['The server said', oneLine(said)] as const] : []
  if (fault === 'login') {
    const hints = hintsFor(host)
    return {
      state: 'failed',
      words: 'The password is refused: the server does not accept this user name with this password.',
      details,
      advice: [...hints, 'Check the user name, which is mostly the whole address, then enter the password again.'],
    }
  }
  if (fault === 'limit') {
    const advice = [
      'Close other mail programs that use this account, or lower the number of connections under Configuration.',
    ]
    return { state: 'failed', words: problem.message, details, advice }
  }
  return {
    state: 'failed',
    words: problem.message,
    details,
    advice: ['See what the server said, and try again later.'],
  }
}
