/** Hints on what large providers require in place of a person's password, since their refusals do not say so. */

interface ProviderHint {
  provider: string
  hosts: RegExp
  advice: readonly string[]
  /** Applies to IMAP only. */
  imapAdvice?: readonly string[]
}

const hints: readonly ProviderHint[] = [
  {
    provider: 'Gmail',
    hosts: /(^|\.)(gmail|googlemail)\.com$/,
    advice: [
      'Gmail accepts no account passwords here. Turn on 2-Step Verification, create an app password at https://myaccount.google.com/apppasswords, and enter that; or connect with Google (OAuth2).',
    ],
  },
  {
    provider: 'Outlook',
    hosts: /(^|\.)(outlook|office365|hotmail|live)\.com$/,
    advice: ['Microsoft no longer accepts passwords from mail programs: connect this account with Microsoft (OAuth2).'],
  },
  {
    provider: 'Yahoo',
    hosts: /(^|\.)(yahoo|aol)\.(com|[a-z]{2}|co\.[a-z]{2})$/,
    advice: ['Yahoo and AOL accept only app passwords: create one in Account security, under Generate app password.'],
  },
  {
    provider: 'iCloud',
    hosts: /(^|\.)(me|icloud|mac)\.com$/,
    advice: [
      'iCloud accepts only app-specific passwords: create one at https://account.apple.com under Sign-In and Security.',
    ],
    imapAdvice: ['For IMAP, the user at iCloud is the part of the address before the @.'],
  },
  {
    provider: 'Fastmail',
    hosts: /(^|\.)(fastmail|messagingengine)\.(com|fm)$/,
    advice: [
      'Fastmail accepts only app passwords: create one under Settings, Privacy & Security, Connected apps & API tokens.',
    ],
  },
  {
    provider: 'GMX or WEB.DE',
    hosts: /(^|\.)(gmx\.(net|com|de|at|ch)|web\.de|mail\.com)$/,
    advice: [
      'GMX and WEB.DE refuse mail programs until POP3/IMAP access is allowed in the settings of the mailbox; with two-factor sign-in they accept only an application-specific password.',
    ],
  },
  {
    provider: 'Zoho',
    hosts: /(^|\.)zoho\.(com|eu|in|com\.au)$/,
    advice: [
      'Zoho needs IMAP access turned on in its settings, and an application-specific password with two-factor sign-in.',
    ],
  },
  {
    provider: 'Yandex',
    hosts: /(^|\.)yandex\.(com|ru|net)$/,
    advice: [
      'Yandex accepts only app passwords: create one under Security at https://id.yandex.com, and allow IMAP in the settings of Mail.',
    ],
  },
  {
    provider: 'T-Online',
    hosts: /(^|\.)t-online\.de$/,
    advice: [
      'T-Online has a password of its own for mail programs: set it in the customer center, as password for e-mail programs.',
    ],
  },
]

/** @param host The host of the mail server. */
export function hintsFor(host: string, part: 'imap' | 'smtp'): readonly string[] {
  const hint = hints.find(({ hosts }) => hosts.test(host.toLowerCase()))
  return [...(hint?.advice ?? []), ...((part === 'imap' && hint?.imapAdvice) || [])]
}

/** Returns true for a host of a large provider, whose name discloses nothing about its users. */
export function isKnownProvider(host: string): boolean {
  return hints.some(({ hosts }) => hosts.test(host.toLowerCase()))
}
