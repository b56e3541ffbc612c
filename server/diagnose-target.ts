/** What `rustymail diagnose` diagnoses, and the servers that its arguments give. A part of the composition root. */
import { TlsKind } from '../contract/accounts.ts'
import type { AccountRow } from './accounts/account-tables.ts'
import { refusePlainOverNetwork } from './accounts/account-verifier.ts'
import type { MailLogin, PasswordLogin } from './accounts/mail-login.ts'
import type { DiagnosisArguments } from './command-line.ts'
import { UsageError } from './command-usage.ts'
import type { Check } from './diagnose/check.ts'
import type { NoAccess } from './diagnose/diagnose-server.ts'
import type { Part } from './diagnose/reach-server.ts'
import type { Named } from './diagnose/report.ts'
import { Problem } from './platform/problem.ts'
import type { reportFacts } from './report-facts.ts'

export interface DiagnosisTarget {
  named: Named
  logins: { imap: MailLogin | NoAccess; smtp: MailLogin | NoAccess | undefined }
  /** The reason why no login is tried. */
  whyNoLogin: { imap?: string | undefined; smtp?: string | undefined }
  /** Undefined for servers given as arguments. */
  account: Pick<AccountRow, 'id' | 'updated_at'> | undefined
  /** Checks based on what the database says about the account. */
  stored: Check[]
  /** The limits as set; undefined if no database was read. */
  limits: Parameters<typeof reportFacts>[1]
}

const usualPorts = { imap: 993, smtp: 465 }
/** Ports on which TLS begins by STARTTLS. */
const startTlsPorts: readonly number[] = [143, 587, 25]

/** @param askPassword Answers with an empty text where no login is wanted. */
export async function givenServers(
  { address, imapTls, smtp, smtpTls, user }: DiagnosisArguments,
  imap: string,
  askPassword: () => Promise<string>,
): Promise<DiagnosisTarget> {
  const places = {
    imap: placeOf('imap', imap, imapTls),
    smtp: smtp === undefined ? undefined : placeOf('smtp', smtp, smtpTls),
  }
  for (const [part, place] of Object.entries(places)) if (place) refusePlain(part as Part, place)
  const password = await askPassword()
  const login = (place: Omit<PasswordLogin, 'user' | 'password'>) => ({ ...place, user: user ?? address, password })
  const logins = { imap: login(places.imap), smtp: places.smtp && login(places.smtp) }
  const named = { name: '', email: address, imap: logins.imap, smtp: logins.smtp ?? null, watched_folders: [] }
  return { named, logins, whyNoLogin: {}, account: undefined, stored: [], limits: undefined }
}

function refusePlain(part: Part, place: { tls: string; host: string }): void {
  try {
    refusePlainOverNetwork(part, place)
  } catch (error) {
    throw error instanceof Problem ? new UsageError(error.message) : error
  }
}

/** Parses `host`, `host:port` or `[address]:port`. */
function placeOf(part: Part, text: string, tls: string | undefined): Omit<PasswordLogin, 'user' | 'password'> {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = (bracketed ?? plain)?.toLowerCase()
  const port = digits === undefined ? usualPorts[part] : Number(digits)
  if (host === undefined || port < 1 || port > 65_535) throw new UsageError(`--${part} ${text} is not <host>:<port>`)
  const kind = TlsKind.safeParse(tls ?? (startTlsPorts.includes(port) ? 'starttls' : 'implicit'))
  if (!kind.success) throw new UsageError(`--${part}-tls must be implicit, starttls or none`)
  return { host, port, tls: kind.data }
}
