/** Diagnoses one mail server from its name to the login, within a time limit, and reports each step. */
import type { AccountAuth, MailServer } from '../../contract/accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import type { ServerFacts } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { type Check, skipped, timed, toCheck, within } from './check.ts'
import { imapDialect, smtpDialect } from './dialects.ts'
import { dateIn } from './greeting.ts'
import { refusal } from './login-refusal.ts'
import { mailboxChecks } from './mailbox-checks.ts'
import { type Guard, type Part, reachServer } from './reach-server.ts'
import { talk } from './talk.ts'

/** A server of an account that signs in by OAuth2, with the reason why there is no access token. */
export interface NoAccess extends MailServer {
  /** A string if the reason is no fault. */
  why: Problem | string
}

export interface ServerToDiagnose {
  part: Part
  login: MailLogin | NoAccess
  /** Why no login is tried, in words; undefined if one is. */
  whyNoLogin?: string | undefined
}

export interface DiagnosingOptions {
  guard: Guard
  /** Timeout of each step in ms. */
  stepMs: number
  /** Logs in and asks the server about itself. @throws Problem */
  logInToImap(login: MailLogin, timeoutMs: number, signal: AbortSignal): Promise<ServerFacts>
  logInToSmtp(login: MailLogin, timeoutMs: number): Promise<void>
  onLine?: ((part: Part) => LineListener | undefined) | undefined
  now(): number
}

export interface ServerDiagnosis {
  checks: Check[]
  /** Set if the server refused user or password. */
  refused: Problem | undefined
  /** True if the login succeeded. */
  isIn: boolean
  facts: ServerFacts | undefined
  /**
   * Evidence about the clock: the server's time in milliseconds, or the start of a certificate that is not valid yet.
   */
  serverTime: number | undefined
  notBefore: Date | undefined
}

const later = ['quota', 'folders', 'capabilities'] as const

export async function diagnoseServer(
  asked: ServerToDiagnose,
  options: DiagnosingOptions,
  signal: AbortSignal,
): Promise<ServerDiagnosis> {
  const seen = await look(asked, options, signal)
  const { part, login } = asked
  if (!('why' in login) || typeof login.why === 'string') return seen
  // Known, however far the other steps got.
  const noAccess = toCheck(part, 'login', refusal(login.why, { part, host: login.host, kind: 'oauth' }))
  return { ...seen, checks: seen.checks.map(check => (check.id === 'login' ? noAccess : check)) }
}

async function look(
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
  const target = { part, host, port, tls, kind: kindOf(login) }
  const dialect = part === 'imap' ? imapDialect : smtpDialect
  const { address } = reached
  const onLine = options.onLine?.(part)
  const talked = await talk({ target, dialect, address, stepMs, signal, onLine, now: now() })
  const checks = [...reached.checks, ...talked.checks]
  const rest = { serverTime: dateIn(talked.greeting)?.getTime(), notBefore: talked.notBefore }
  const skip = (why: string) => {
    const ids = part === 'imap' ? (['login', ...later] as const) : (['login'] as const)
    return { checks: [...checks, ...ids.map(id => skipped(part, id, why))], ...none, ...rest }
  }
  if (talked.whyNoLogin) return skip('Not tried, and no password was sent: see above.')
  if ('why' in login) return skip(typeof login.why === 'string' ? login.why : 'Not known without a login.')
  if (whyNoLogin !== undefined) return skip(whyNoLogin)
  const outcome = await logIn(part, login, options, signal)
  const mailbox = part === 'imap' ? mailboxChecks(outcome.facts) : []
  return { checks: [...checks, outcome.check, ...mailbox], ...outcome, ...rest }
}

function kindOf(login: MailLogin | NoAccess): AccountAuth['kind'] {
  return 'why' in login || login.accessToken !== undefined ? 'oauth' : 'password'
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
  // Several questions follow the login.
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
      return refusal(error, { part, host: login.host, kind: kindOf(login) })
    }
  })
  return { check, refused, isIn, facts }
}
