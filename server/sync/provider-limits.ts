/** What mail providers say how much of their IMAP service an account may use. Where none says it, nothing is assumed. */

export interface ProviderLimit {
  provider: string
  /** Names of its IMAP servers. */
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
    // "Gmail bandwidth limits", https://support.google.com/a/answer/1071518: 2,500 MB a day down and 500 MB up by IMAP.
    receivedPerDay: 2_500 * megabyte,
    sentPerDay: 500 * megabyte,
    // "Add Gmail to another email client", https://support.google.com/mail/answer/7126229: 15 connections at once.
    connections: 15,
  },
]

export function limitOf(host: string): ProviderLimit | undefined {
  return providerLimits.find(({ hosts }) => hosts.test(host))
}
