/** Diagnoses accounts. A refused password is retried only on request, so that no account gets locked. */

import type { AccountAuth, MailServer } from '../../contract/accounts.ts'
import type { Diagnosis, SpokenLine } from '../../contract/diagnose.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { type KnownServer, type LoginSource, type MailLogin, secretOf, withFreshToken } from '../accounts/mail-login.ts'
import type { ProtocolLine, ProtocolLog } from '../accounts/protocol-log.ts'
import { stateHistory } from '../accounts/state-history.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { MailGateway, ServerFacts } from '../imap/mail-gateway.ts'
import type { checkSmtp } from '../outbox/smtp-check.ts'
import { checkSeen } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { limitOf } from '../sync/provider-limits.ts'
import { accountChecks } from './account-checks.ts'
import { TooLate, within } from './check.ts'
import { clockCheck } from './clock-check.ts'
import { diagnoseServer, type NoAccess } from './diagnose-server.ts'
import type { Guard, Part } from './reach-server.ts'
import { maskedReport, type ReportFrame } from './report.ts'
import { verdictOf } from './verdict.ts'

interface Refusal {
  /** The revision of the account: with another password, it is another login. */
  revision: string
  at: string
}

/** Stores refused logins; the command line uses it too. */
export interface RefusalStore {
  find(accountId: string, part: Part): Promise<Refusal | undefined>
  keep(accountId: string, part: Part, refusal: Refusal): Promise<void>
  forget(accountId: string, part: Part): Promise<void>
}

export interface DiagnoseServiceOptions {
  refusals: RefusalStore
  accounts: Pick<AccountService, 'get' | 'servers'>
  hub: Pick<EventHub, 'stateSigns' | 'listen'>
  gateway: Pick<MailGateway, 'connect'>
  pool: Pick<ConnectionPool, 'run'>
  guard: Guard
  protocol: ProtocolLog
  smtp: typeof checkSmtp
  indexOf(principal: Principal, accountId: string): Promise<IndexStatus>
  /** Timeout of a mail server in ms. */
  timeoutMs(): number
  frame: ReportFrame
  now?: () => number
}

/** Upper bound of a step in ms, whatever is configured, since a person waits. */
const mostStepMs = 5_000
/** Upper bound of a whole diagnosis in ms, however many steps hang. */
const wholeMs = 30_000
/** Upper bound of diagnoses in progress on this server. */
const mostAtOnce = 4
/** Age in ms up to which a report reuses the last diagnosis. */
const recentMs = 10 * 60_000
/** Last diagnoses kept in memory. */
const mostKept = 100

export class DiagnoseService {
  readonly #options: DiagnoseServiceOptions
  readonly #now: () => number
  readonly #stopped = new AbortController()
  readonly #underWay = new Map<string, Promise<Diagnosis>>()
  readonly #last = new Map<string, Diagnosis>()
  /** Deletions of refusals in flight. */
  readonly #forgetting = new Set<Promise<void>>()

  constructor(options: DiagnoseServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { hub, protocol } = options
    hub.listen('account_removed', ({ account_id }) => {
      protocol.forget(account_id)
      this.#last.delete(account_id)
      this.#forget(account_id)
    })
    hub.listen('account_updated', ({ account_id }) => {
      this.#last.delete(account_id)
      this.#forget(account_id)
    })
  }

  /** @param retryLogin Retries a refused password. @throws Problem `account_not_found`, also for hidden accounts. */
  async diagnose(principal: Principal, accountId: string, { retryLogin }: { retryLogin: boolean }): Promise<Diagnosis> {
    if (this.#stopped.signal.aborted) throw new Problem('overloaded', 'The server is stopping.')
    checkSeen(principal, accountId)
    if (retryLogin && !principal.scopes.has('dashboard:operate')) {
      const words = 'Trying a rejected password again requires the scope dashboard:operate.'
      throw new Problem('forbidden', words, { missing_scope: 'dashboard:operate' })
    }
    const key = `${accountId} ${retryLogin}`
    const underWay = this.#underWay.get(key)
    if (underWay) return underWay
    if (this.#underWay.size >= mostAtOnce) {
      throw new Problem('overloaded', 'Other accounts are being diagnosed; try again in a moment.', {
        retryAfterSeconds: 10,
      })
    }
    const diagnosis = this.#diagnose(principal, accountId, retryLogin)
    this.#underWay.set(key, diagnosis)
    try {
      const made = await diagnosis
      this.#keep(made)
      return made
    } finally {
      this.#underWay.delete(key)
    }
  }

  /** Returns a report that is safe to show to strangers. */
  async report(principal: Principal, accountId: string): Promise<{ file_name: string; text: string }> {
    const account = await this.#options.accounts.get(principal, accountId)
    const last = this.#last.get(accountId)
    const isRecent = last !== undefined && this.#now() - Date.parse(last.made_at) < recentMs
    const diagnosis = isRecent ? last : await this.diagnose(principal, accountId, { retryLogin: false })
    const day = diagnosis.made_at.slice(0, 16).replaceAll(/[T:]/g, '-')
    const text = maskedReport(diagnosis, account, this.#options.frame)
    return { file_name: `rustymail-diagnosis-${day}.txt`, text }
  }

  /** Resolves when no diagnosis is in progress any more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.allSettled([...this.#underWay.values(), ...this.#forgetting])
  }

  async #diagnose(principal: Principal, accountId: string, retryLogin: boolean): Promise<Diagnosis> {
    const { accounts, hub, protocol, indexOf, refusals } = this.#options
    const began = performance.now()
    const account = await accounts.get(principal, accountId)
    const known = await accounts.servers(principal, accountId)
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(wholeMs)])
    const look = async (part: Part, { server, kind, source }: KnownServer) => {
      const login = await this.#loginFrom(source, server, signal)
      const kept = await refusals.find(accountId, part)
      const { updated_at: revision, state, state_since: stateSince } = account
      const isRefused = part === 'imap' && state === 'auth_failed'
      const since =
        kept && isInForce(kept, { part, revision, state, stateSince }) ? kept.at : isRefused ? stateSince : undefined
      const whyNoLogin = since !== undefined && !retryLogin ? refusedBefore(since, kind) : undefined
      const options = this.#optionsFor(accountId, login, source)
      const seen = await diagnoseServer({ part, login, whyNoLogin }, options, signal)
      if (seen.refused) await refusals.keep(accountId, part, { revision, at: new Date(this.#now()).toISOString() })
      else if (seen.isIn && kept) await refusals.forget(accountId, part)
      return seen
    }
    const [imap, smtp, index] = await Promise.all([
      look('imap', known.imap),
      known.smtp && look('smtp', known.smtp),
      within(mostStepMs, signal, indexOf(principal, accountId)).catch(() => undefined),
    ])
    // The account as it is by now.
    const after = await accounts.get(principal, accountId)
    const now = this.#now()
    const history = stateHistory(hub.stateSigns(accountId), after, now)
    const publishedConnections = limitOf(after.imap.host)?.connections ?? null
    const servers = [imap, ...(smtp ? [smtp] : [])]
    const checks = [
      ...servers.flatMap(server => server.checks),
      clockCheck(servers, now),
      ...accountChecks({ account: after, index, history, publishedConnections }),
    ]
    return {
      account_id: accountId,
      made_at: new Date(now).toISOString(),
      duration_ms: Math.round(performance.now() - began),
      ...verdictOf(checks),
      checks: checks.map(({ advice: _advice, ...check }) => check),
      lines: protocol.linesOf(accountId).map(toSpoken),
    }
  }

  /** Returns the login, or why there is none if the account signs in by OAuth2. */
  async #loginFrom(source: LoginSource, server: MailServer, signal: AbortSignal): Promise<MailLogin | NoAccess> {
    try {
      return await within(mostStepMs, signal, source())
    } catch (error) {
      if (error instanceof Problem) return { ...server, why: error }
      if (!(error instanceof TooLate)) throw error
      const words = 'The sign-in provider did not respond in time.'
      return { ...server, why: new Problem('mail_server_unreachable', words, { fault: 'sign_in_provider' }) }
    }
  }

  #optionsFor(accountId: string, login: MailLogin | NoAccess, source: LoginSource) {
    const { guard, gateway, pool, protocol, smtp, timeoutMs } = this.#options
    const onLineOf = (part: Part, given: MailLogin | NoAccess) =>
      protocol.open(accountId, part, 'why' in given ? [] : [secretOf(given)])
    // A rejected token is refreshed once, as for every login.
    const fresh = (given: MailLogin) => async (rejected?: string) => (rejected === undefined ? given : source(rejected))
    return {
      guard,
      stepMs: Math.min(mostStepMs, timeoutMs()),
      now: this.#now,
      onLine: (part: Part) => onLineOf(part, login),
      logInToSmtp: (given: MailLogin, ms: number) =>
        withFreshToken(fresh(given), now => smtp(now, ms, guard, { onLine: onLineOf('smtp', now) })),
      logInToImap: async (given: MailLogin, ms: number, signal: AbortSignal): Promise<ServerFacts> => {
        try {
          return await withFreshToken(fresh(given), now =>
            inspect(gateway, now, { timeoutMs: ms, signal, onLine: onLineOf('imap', now) }),
          )
        } catch (error) {
          if (!(error instanceof Problem) || error.extension.fault !== 'limit') throw error
          // Our own connections may be all that the server allows; one of those serves as well.
          return pool.run(accountId, 'interactive', connection => connection.inspect(), signal)
        }
      },
    }
  }

  #keep(diagnosis: Diagnosis): void {
    this.#last.delete(diagnosis.account_id)
    this.#last.set(diagnosis.account_id, diagnosis)
    const [oldest] = this.#last.keys()
    if (this.#last.size > mostKept && oldest !== undefined) this.#last.delete(oldest)
  }

  #forget(accountId: string): void {
    const { refusals } = this.#options
    const both = Promise.all([refusals.forget(accountId, 'imap'), refusals.forget(accountId, 'smtp')])
    // One that remains refers to an earlier revision of the account.
    const forgotten: Promise<void> = both
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#forgetting.delete(forgotten))
    this.#forgetting.add(forgotten)
  }
}

export interface KnownState {
  part: Part
  revision: string
  state: string
  /** ISO date. */
  stateSince: string
}

/** Returns true if a refusal still holds: neither has the account changed, nor has a login succeeded since. */
export function isInForce(refusal: Refusal, { part, revision, state, stateSince }: KnownState): boolean {
  if (refusal.revision !== revision) return false
  return !(part === 'imap' && state === 'ready' && stateSince > refusal.at)
}

/** Logs in, asks the server about itself, and logs out. */
export async function inspect(
  gateway: Pick<MailGateway, 'connect'>,
  login: MailLogin,
  options: Parameters<MailGateway['connect']>[1],
): Promise<ServerFacts> {
  const connection = await gateway.connect(login, options)
  try {
    return await connection.inspect()
  } finally {
    await connection.close()
  }
}

export function refusedBefore(since: string, kind: AccountAuth['kind']): string {
  const what = kind === 'oauth' ? 'access token' : 'password'
  return `Not tried: the ${what} was refused at ${since}. Trying it again and again can lock the account.`
}

export function toSpoken({ at, ...line }: ProtocolLine): SpokenLine {
  return { at: new Date(at).toISOString(), ...line }
}
