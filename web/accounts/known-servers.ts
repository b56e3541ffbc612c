/** What is known about the servers of well-known providers, and a guess for all others. */
import type { TlsKind } from '../../contract/accounts.ts'

export interface ServerAddress {
  host: string
  port: number
  tls: TlsKind
}

export interface KnownProvider {
  name: string
  domains: readonly string[]
  imap: ServerAddress
  smtp: ServerAddress
  /** What its users must know before they type their password. */
  note?: string
  /** Whether it takes no password at all, so that connecting can hardly succeed. */
  refusesPasswords?: true
  /** Whether the IMAP user is what stands before the @. */
  hasShortUser?: true
}

export interface ServerGuess {
  /** Undefined when the servers are only guessed from the domain. */
  provider: KnownProvider | undefined
  imap: ServerAddress & { user: string }
  smtp: ServerAddress & { user: string }
}

const providers: readonly KnownProvider[] = [
  {
    name: 'Gmail',
    domains: ['gmail.com', 'googlemail.com'],
    imap: implicit('imap.gmail.com', 993),
    smtp: implicit('smtp.gmail.com', 465),
    note: 'Gmail requires an app password, not the password of your Google account. Turn on 2-step verification there, then create one under “App passwords”.',
  },
  {
    name: 'Microsoft (Outlook.com, Hotmail, Microsoft 365)',
    domains: ['outlook.com', 'outlook.de', 'outlook.fr', 'hotmail.com', 'hotmail.co.uk', 'live.com', 'msn.com'],
    imap: implicit('outlook.office365.com', 993),
    smtp: starttls('smtp-mail.outlook.com', 587),
    note: 'Microsoft no longer accepts passwords over IMAP, and usually no app passwords either: it requires OAuth. Sign in with Microsoft instead; a login by password will most likely be rejected.',
    refusesPasswords: true,
  },
  {
    name: 'Yahoo',
    domains: [
      'yahoo.com',
      'yahoo.co.uk',
      'yahoo.de',
      'yahoo.fr',
      'yahoo.it',
      'yahoo.es',
      'ymail.com',
      'rocketmail.com',
    ],
    imap: implicit('imap.mail.yahoo.com', 993),
    smtp: implicit('smtp.mail.yahoo.com', 465),
    note: 'Yahoo requires an app password. Create one in its account security settings.',
  },
  {
    name: 'iCloud',
    domains: ['icloud.com', 'me.com', 'mac.com'],
    imap: implicit('imap.mail.me.com', 993),
    smtp: starttls('smtp.mail.me.com', 587),
    note: 'iCloud requires an app-specific password. Create one at account.apple.com under “Sign-In and Security”.',
    hasShortUser: true,
  },
  {
    name: 'Fastmail',
    domains: ['fastmail.com', 'fastmail.fm', 'fastmail.net', 'fastmail.org'],
    imap: implicit('imap.fastmail.com', 993),
    smtp: implicit('smtp.fastmail.com', 465),
    note: 'Fastmail requires an app password. Create one under “Privacy & Security”.',
  },
  {
    name: 'GMX',
    domains: ['gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch', 'gmx.eu'],
    imap: implicit('imap.gmx.net', 993),
    smtp: starttls('mail.gmx.net', 587),
    note: 'GMX requires IMAP to be enabled first: in its settings under “POP3 & IMAP”.',
  },
  {
    name: 'GMX',
    domains: ['gmx.com', 'gmx.us', 'gmx.co.uk'],
    imap: implicit('imap.gmx.com', 993),
    smtp: starttls('mail.gmx.com', 587),
    note: 'GMX requires IMAP to be enabled first: in its settings under “POP3 & IMAP”.',
  },
  {
    name: 'mailbox.org',
    domains: ['mailbox.org'],
    imap: implicit('imap.mailbox.org', 993),
    smtp: implicit('smtp.mailbox.org', 465),
  },
  {
    name: 'Zoho',
    domains: ['zoho.com', 'zohomail.com'],
    imap: implicit('imap.zoho.com', 993),
    smtp: implicit('smtp.zoho.com', 465),
    note: 'Zoho requires IMAP to be enabled first. With two-factor sign-in it requires an app password.',
  },
  {
    name: 'Zoho (Europe)',
    domains: ['zoho.eu', 'zohomail.eu'],
    imap: implicit('imap.zoho.eu', 993),
    smtp: implicit('smtp.zoho.eu', 465),
    note: 'Zoho requires IMAP to be enabled first. With two-factor sign-in it requires an app password.',
  },
  {
    name: 'Proton',
    domains: ['proton.me', 'protonmail.com', 'protonmail.ch', 'pm.me'],
    imap: starttls('127.0.0.1', 1143),
    smtp: starttls('127.0.0.1', 1025),
    note: 'Proton needs its Bridge program on the same machine as this server. Use the user and password that Bridge shows.',
  },
]

/** Undefined while the address is not complete. */
export function guessServers(address: string): ServerGuess | undefined {
  const [, name, domain] = /^([^@\s]+)@([^@\s]+\.[^@\s.]+)$/.exec(address.trim().toLowerCase()) ?? []
  if (name === undefined || domain === undefined) return undefined
  const user = address.trim()
  const provider = providers.find(({ domains }) => domains.includes(domain))
  if (!provider) {
    return {
      provider,
      imap: { ...implicit(`imap.${domain}`, 993), user },
      smtp: { ...implicit(`smtp.${domain}`, 465), user },
    }
  }
  const imapUser = provider.hasShortUser ? user.slice(0, user.lastIndexOf('@')) : user
  return { provider, imap: { ...provider.imap, user: imapUser }, smtp: { ...provider.smtp, user } }
}

function implicit(host: string, port: number): ServerAddress {
  return { host, port, tls: 'implicit' }
}

function starttls(host: string, port: number): ServerAddress {
  return { host, port, tls: 'starttls' }
}
