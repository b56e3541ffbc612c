/** `rustymail diagnose`: diagnoses a stored account or given servers. A part of the composition root. */
import type { Diagnosis } from '../contract/diagnose.ts'
import { type MailLogin, secretOf } from './accounts/mail-login.ts'
import { ProtocolLog } from './accounts/protocol-log.ts'
import { UsageError } from './command-usage.ts'
import type { Outcome } from './commands.ts'
import { composeOutbound } from './compose-outbound.ts'
import type { Config } from './config.ts'
import { clockCheck } from './diagnose/clock-check.ts'
import { diagnoseServer, type NoAccess } from './diagnose/diagnose-server.ts'
import { inspect, toSpoken } from './diagnose/diagnose-service.ts'
import type { Part } from './diagnose/reach-server.ts'
import { maskedReport, plainText } from './diagnose/report.ts'
import { verdictOf } from './diagnose/verdict.ts'
import { accountsAt, diagnosisMs, keepRefusals } from './diagnose-accounts.ts'
import { type DiagnosisTarget, givenServers } from './diagnose-target.ts'
import { ImapFlowGateway } from './imap/adapters/imapflow-gateway.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { reportFacts } from './report-facts.ts'

const noPassword = 'Not tried: no password was given.'
const stepMs = 5_000

/**
 * Diagnoses accounts; the server may be running. Only refused logins are written to the database. What only the running
 * server knows, such as its connections, is on the account's page.
 */
export async function diagnose(config: Config, askPassword: () => Promise<string>): Promise<Outcome> {
  const { address, imap } = config.diagnosis
  if (address === '') throw new UsageError('diagnose requires an address: rustymail diagnose <address>')
  const { guard } = composeOutbound(config)
  const wanted =
    imap === undefined ? await accountsAt(config, guard) : [await givenServers(config.diagnosis, imap, askPassword)]
  const diagnoses = []
  for (const one of wanted) diagnoses.push(await diagnoseOne(config, guard, one))
  const isReport = config.diagnosis.isReport
  const words = diagnoses.map(({ diagnosis, named, limits }) => {
    const frame = { version: config.version, facts: reportFacts(config, limits) }
    return isReport ? maskedReport(diagnosis, named, frame) : plainText(diagnosis)
  })
  return {
    words: words.join('\n\n'),
    exitCode: diagnoses.some(({ diagnosis }) => diagnosis.state === 'failed') ? 1 : 0,
  }
}

async function diagnoseOne(
  config: Config,
  guard: OutboundGuard,
  { named, logins, whyNoLogin, limits, account, stored }: DiagnosisTarget,
) {
  const gateway = new ImapFlowGateway({ guard, version: config.version })
  const signal = AbortSignal.timeout(diagnosisMs)
  const began = performance.now()
  // Lines of this diagnosis only, with the same secrets redacted as in the running server.
  const protocol = new ProtocolLog()
  const onLineOf = (part: Part, login: MailLogin | NoAccess) =>
    protocol.open('', part, 'why' in login ? [] : [secretOf(login)])
  const look = (part: Part, login: MailLogin | NoAccess) =>
    diagnoseServer(
      { part, login, whyNoLogin: 'password' in login && login.password === '' ? noPassword : whyNoLogin[part] },
      {
        guard,
        stepMs,
        now: Date.now,
        onLine: () => onLineOf(part, login),
        logInToImap: (given, timeoutMs, until) =>
          inspect(gateway, given, { timeoutMs, signal: until, onLine: onLineOf('imap', given) }),
        logInToSmtp: (given, timeoutMs) => checkSmtp(given, timeoutMs, guard, { onLine: onLineOf('smtp', given) }),
      },
      signal,
    )
  const [imap, smtp] = await Promise.all([look('imap', logins.imap), logins.smtp && look('smtp', logins.smtp)])
  if (account) await keepRefusals(config, account, { imap, ...(smtp && { smtp }) })
  const seen = [imap, ...(smtp ? [smtp] : [])]
  const checks = [...seen.flatMap(server => server.checks), clockCheck(seen, Date.now()), ...stored]
  const diagnosis: Diagnosis = {
    account_id: '',
    made_at: new Date().toISOString(),
    duration_ms: Math.round(performance.now() - began),
    ...verdictOf(checks),
    checks,
    lines: protocol.linesOf('').map(toSpoken),
  }
  return { diagnosis, named, limits }
}
