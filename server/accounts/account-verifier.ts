/** Tries the servers of an account. Provided by the composition root, since mail is on a higher floor than accounts. */
import type { PartResult, VerifyResult } from '../../contract/accounts.ts'
import { Problem } from '../platform/problem.ts'
import { type LoginSource, type MailLogin, withFreshToken } from './mail-login.ts'

export interface AccountVerifier {
  /** Logs in and out; throws a Problem whose `fault` says why that failed. */
  /** @param accountId The existing account, whose own connections may be all that its mail server allows. */
  imap(login: MailLogin, timeoutMs: number, accountId?: string): Promise<void>
  smtp(login: MailLogin, timeoutMs: number, accountId?: string): Promise<void>
}

/** Options of a trial: whether the servers are tried before anything is stored, and the timeout in ms. */
export interface Trial {
  verify: boolean
  timeoutMs?: number
}

type Part = 'imap' | 'smtp'

/** Tries one server. Throws the refusal, and names which of the two servers it was. */
export async function tryServer(
  verifier: AccountVerifier,
  part: Part,
  source: LoginSource,
  timeoutMs: number,
  accountId?: string,
): Promise<void> {
  try {
    await withFreshToken(source, login => {
      refusePlainOverNetwork(part, login)
      return verifier[part](login, timeoutMs, accountId)
    })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem(error.code, error.message, { ...error.extension, part, cause: error })
  }
}

/** Tries one server, and returns a result instead of throwing. */
async function testServer(
  verifier: AccountVerifier,
  part: Part,
  source: LoginSource,
  timeoutMs: number,
  accountId: string,
): Promise<PartResult> {
  const began = performance.now()
  const outcome = await tryServer(verifier, part, source, timeoutMs, accountId).then(
    () => undefined,
    (error: unknown) => error,
  )
  const duration_ms = Math.round(performance.now() - began)
  if (outcome === undefined)
    return { ok: true, cause: null, detail: 'Login succeeded.', server_response: null, duration_ms }
  if (!(outcome instanceof Problem)) throw outcome
  const { fault, server_response, networks } = outcome.extension
  return {
    ok: false,
    cause: fault ?? null,
    detail: outcome.message,
    server_response: server_response ?? null,
    ...(networks ? { networks } : {}),
    duration_ms,
  }
}

/** Tries both servers in parallel. */
export async function testServers(
  verifier: AccountVerifier,
  { imap, smtp }: { imap: LoginSource; smtp: LoginSource | undefined },
  timeoutMs: number,
  accountId: string,
): Promise<VerifyResult> {
  const [imapResult, smtpResult] = await Promise.all([
    testServer(verifier, 'imap', imap, timeoutMs, accountId),
    smtp ? testServer(verifier, 'smtp', smtp, timeoutMs, accountId) : null,
  ])
  return { imap: imapResult, smtp: smtpResult }
}

/** Allows sending a password or access token over a network only within TLS. */
export function refusePlainOverNetwork(part: Part, login: { tls: string; host: string }): void {
  if (login.tls !== 'none' || isLoopback(login.host)) return
  const message = 'no TLS is allowed only to this machine; choose implicit or starttls'
  throw new Problem('bad_request', `${part}.tls: ${message}`, { part, errors: [{ path: `body.${part}.tls`, message }] })
}

export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
}
