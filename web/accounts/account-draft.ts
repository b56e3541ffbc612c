/** The form of an account: filled from the account, validated, and converted to a request body. */
import type { Account, AccountChange, AccountInput, MailServer, TlsKind } from '../../contract/accounts.ts'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'

export type Part = 'imap' | 'smtp'

export interface ServerDraft {
  host: string
  port: string
  tls: TlsKind
  user: string
  /** If empty: the IMAP password for a new SMTP server, else the stored one. */
  password: string
}

export interface AccountDraft {
  name: string
  email: string
  imap: ServerDraft
  hasSmtp: boolean
  smtp: ServerDraft
}

/** Validation errors by field path: `email`, `imap.port`. */
export type Faults = Readonly<Record<string, string>>

const standardPorts: Record<Part, Record<TlsKind, number>> = {
  imap: { implicit: 993, starttls: 143, none: 143 },
  smtp: { implicit: 465, starttls: 587, none: 25 },
}

export function emptyDraft(): AccountDraft {
  return { name: '', email: '', imap: emptyServer('imap'), hasSmtp: true, smtp: emptyServer('smtp') }
}

export function draftOf({ name, email, imap, smtp }: Account): AccountDraft {
  return {
    name,
    email,
    imap: serverDraftOf(imap),
    hasSmtp: smtp !== null,
    smtp: smtp ? serverDraftOf(smtp) : emptyServer('smtp'),
  }
}

/** Fills in discovered servers but keeps typed passwords. SMTP is added only if it was discovered. */
export function withSettings(draft: AccountDraft, { imap, smtp }: DiscoveredSettings): AccountDraft {
  const filled = ({ host, port, tls, user }: MailServer, { password }: ServerDraft) => ({
    ...{ host, port: String(port), tls, user, password },
  })
  return {
    ...draft,
    imap: filled(imap, draft.imap),
    hasSmtp: smtp !== null,
    smtp: smtp ? filled(smtp, draft.smtp) : { ...emptyServer('smtp'), user: imap.user, password: draft.smtp.password },
  }
}

/** Resets the servers of an address whose servers are unknown; the user name defaults to the address. */
export function withoutSettings(draft: AccountDraft): AccountDraft {
  const user = draft.email.trim()
  const empty = (part: Part) => ({ ...emptyServer(part), user, password: draft[part].password })
  return { ...draft, imap: empty('imap'), hasSmtp: true, smtp: empty('smtp') }
}

/** Applies an edit to a draft that may have changed since the edited one was shown: other fields keep their values. */
export function withEdit(newest: AccountDraft, shown: AccountDraft, edited: AccountDraft): AccountDraft {
  return {
    ...newest,
    ...edits(shown, edited),
    imap: { ...newest.imap, ...edits(shown.imap, edited.imap) },
    smtp: { ...newest.smtp, ...edits(shown.smtp, edited.smtp) },
  }
}

/** Returns whether the servers differ in anything but passwords. */
export function hasOtherServers(one: AccountDraft, other: AccountDraft): boolean {
  const servers = ({ imap, smtp, hasSmtp }: AccountDraft) =>
    JSON.stringify([{ ...imap, password: '' }, { ...smtp, password: '' }, hasSmtp])
  return servers(one) !== servers(other)
}

/** Changes the kind of TLS, and the port with it unless a custom one was entered. */
export function withTls(part: Part, server: ServerDraft, tls: TlsKind): ServerDraft {
  const usual = standardPorts[part]
  const isUsual = server.port === '' || Object.values(usual).includes(Number(server.port))
  return { ...server, tls, port: isUsual ? String(usual[tls]) : server.port }
}

/** Returns the errors that can be found without the server. */
export function faultsOf(draft: AccountDraft, before?: Account): Faults {
  const faults: Record<string, string> = {}
  if (!isAddress(draft.email)) faults.email = 'Enter the full address, such as anna@example.org'
  Object.assign(faults, serverFaults('imap', draft.imap))
  if (!before && draft.imap.password === '') faults['imap.password'] = 'Enter the password'
  if (!draft.hasSmtp) return faults
  Object.assign(faults, serverFaults('smtp', draft.smtp))
  if (before && !before.smtp && draft.smtp.password === '') faults['smtp.password'] = 'Enter the password'
  return faults
}

/** Validates the first step; the password is not required if another way to sign in is offered. */
export function addressFaults(draft: AccountDraft, isPasswordNeeded: boolean): Faults {
  const { email, 'imap.password': password } = faultsOf(draft)
  return { ...(email ? { email } : {}), ...(password && isPasswordNeeded ? { 'imap.password': password } : {}) }
}

export function isAddress(email: string): boolean {
  return /^\S+@\S+\.\S+$/.test(email.trim())
}

export function inputOf({ name, email, imap, hasSmtp, smtp }: AccountDraft): AccountInput {
  return {
    email: email.trim(),
    ...(name.trim() ? { name: name.trim() } : {}),
    imap: { ...serverOf(imap), password: imap.password },
    ...(hasSmtp ? { smtp: { ...serverOf(smtp), password: smtp.password || imap.password } } : {}),
    enabled: true,
  }
}

/** Returns only what differs from the account, so that nothing else is tested or overwritten. */
export function changeOf(account: Account, draft: AccountDraft): AccountChange {
  const change: AccountChange = {}
  const [name, email] = [draft.name.trim() || draft.email.trim(), draft.email.trim()]
  if (name !== account.name) change.name = name
  if (email !== account.email) change.email = email
  const imap = serverChange(account.imap, draft.imap, account.is_sandbox)
  if (imap) change.imap = imap
  if (!draft.hasSmtp) return account.smtp ? { ...change, smtp: null } : change
  const smtp = serverChange(account.smtp, draft.smtp, account.is_sandbox)
  return smtp ? { ...change, smtp } : change
}

/** Clears the errors of edited fields, which are validated again only on submit. */
export function withoutEdited(faults: Faults, before: AccountDraft, after: AccountDraft): Faults {
  return Object.fromEntries(Object.entries(faults).filter(([path]) => textAt(before, path) === textAt(after, path)))
}

export function isLoopback(host: string): boolean {
  return /^(localhost|\[?::1\]?|127(\.\d{1,3}){3})$/i.test(host.trim())
}

function textAt(draft: AccountDraft, path: string): string {
  return JSON.stringify(path.split('.').reduce<unknown>((value, name) => Object(value)[name], draft))
}

function edits<Fields extends object>(shown: Fields, edited: Fields): Partial<Fields> {
  const before = new Map<string, unknown>(Object.entries(shown))
  const changed = Object.entries(edited).filter(([name, value]) => before.get(name) !== value)
  // True because the entries are those of Fields.
  return Object.fromEntries(changed) as Partial<Fields>
}

function emptyServer(part: Part): ServerDraft {
  return { host: '', port: String(standardPorts[part].implicit), tls: 'implicit', user: '', password: '' }
}

function serverDraftOf({ host, port, tls, user }: MailServer): ServerDraft {
  return { host, port: String(port), tls, user, password: '' }
}

export function serverOf({ host, port, tls, user }: ServerDraft): MailServer {
  return { host: host.trim(), port: Number(port), tls, user: user.trim() }
}

/**
 * Returns the changes of a server. A password is sent with the server that it was entered for, because someone else may
 * have changed that meanwhile; the sandbox does not accept a server.
 */
function serverChange(
  before: MailServer | null,
  draft: ServerDraft,
  isSandbox: boolean,
): NonNullable<AccountChange['imap']> | undefined {
  const after = serverOf(draft)
  const change: NonNullable<AccountChange['imap']> = {}
  if (after.host !== before?.host) change.host = after.host
  if (after.port !== before?.port) change.port = after.port
  if (after.tls !== before?.tls) change.tls = after.tls
  if (after.user !== before?.user) change.user = after.user
  if (draft.password !== '') change.password = draft.password
  if (draft.password !== '' && !isSandbox) Object.assign(change, { host: after.host, port: after.port })
  return Object.keys(change).length > 0 ? change : undefined
}

function serverFaults(part: Part, { host, port, tls, user }: ServerDraft): Faults {
  const faults: Record<string, string> = {}
  if (!/^[A-Za-z0-9.:_-]+$/.test(host.trim())) faults[`${part}.host`] = 'Enter the server’s host name or address'
  if (!/^\d{1,5}$/.test(port.trim()) || Number(port) < 1 || Number(port) > 65_535) {
    faults[`${part}.port`] = 'Enter a number from 1 to 65535'
  }
  if (tls === 'none' && !isLoopback(host))
    faults[`${part}.tls`] = 'Without TLS, only a server on this machine is allowed'
  if (user.trim() === '') faults[`${part}.user`] = 'Enter the user name, usually the email address'
  return faults
}
