/** Documented limits of mail providers' IMAP service per account. Where none is documented, none is assumed. */

export interface ProviderLimit {
  provider: string
  /** Matches the names of its IMAP servers. */
  hosts: RegExp
  receivedPerDay: number | null
  sentPerDay: number | null
  connections: number | null
}

const megabyte = 1_000_000

export const providerLimits: readonly ProviderLimit[] = [
  {
    provider: 'Gmail',
    hosts: /(^|\.)(gmail|googlemail)\.com$/,
    // "Gmail bandwidth limits", https://support.google.com/a/answer/1071518: IMAP 2,500 MB a day down, 500 MB up.
    receivedPerDay: 2_500 * megabyte,
    sentPerDay: 500 * megabyte,
    // "Add Gmail to another email client", https://support.google.com/mail/answer/7126229: 15 concurrent connections.
    connections: 15,
  },
]

export function limitOf(host: string): ProviderLimit | undefined {
  return providerLimits.find(({ hosts }) => hosts.test(host))
}
