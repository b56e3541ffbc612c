/** Whose Authentication-Results count: the border servers of known providers, and those that an administrator names. */

export interface BorderServers {
  /** Names by which it signs what it found, or the ends of such names. */
  serverIds: readonly string[]
  /** Whether its field names nobody. */
  isUnnamed: boolean
  /** Whether it writes one field for all methods, so that a second one is a stranger's. */
  isSingle: boolean
  /** Ends of the names of its machines, in `by` of Received. */
  machines: readonly string[]
}

/** A mail server that an administrator believes: by the name of its IMAP server, and what its fields begin with. */
export interface NamedAuthServer {
  imapHost: string
  serverId: string
}

/**
 * Of IMAP servers, by the ends of their names. Each of these writes the field into all that comes from outside and takes forged
 * ones of its own name out (RFC 8601, section 5).
 */
const known: readonly [imapHosts: readonly string[], servers: BorderServers][] = [
  [['gmail.com', 'googlemail.com'], { ...of('google.com', 'googlemail.com'), serverIds: ['mx.google.com'] }],
  [
    ['outlook.com', 'office365.com', 'hotmail.com'],
    { ...of('outlook.com', 'office365.com', 'exchangelabs.com'), serverIds: ['mx.microsoft.com'], isUnnamed: true },
  ],
  [['fastmail.com'], of('messagingengine.com', 'fastmail.com')],
  [['mail.yahoo.com', 'aol.com'], of('yahoo.com', 'aol.com')],
  [['mail.me.com', 'icloud.com'], { ...of('icloud.com', 'me.com', 'apple.com'), isSingle: false }],
  [
    ['zoho.com', 'zoho.eu', 'zoho.in'],
    of('zohomail.com', 'zoho.com', 'zoho.eu', 'zohomail.eu', 'zoho.in', 'zohomail.in'),
  ],
  [['gmx.net', 'gmx.com', 'web.de'], of('gmx.net', 'gmx.com', 'web.de', 'kundenserver.de')],
]

/** @param named They come before what is known. */
export function borderOf(imapHost: string, named: readonly NamedAuthServer[]): BorderServers | undefined {
  const ids = named
    .filter(pair => pair.imapHost === imapHost.toLowerCase())
    .map(({ serverId }) => serverId.toLowerCase())
  if (ids.length > 0)
    return { serverIds: ids, isUnnamed: false, isSingle: false, machines: [imapHost.toLowerCase(), ...ids] }
  return known.find(([hosts]) => hosts.some(host => isWithin(imapHost, host)))?.[1]
}

export function isWithin(name: string, domain: string): boolean {
  const small = name.toLowerCase()
  return small === domain || small.endsWith(`.${domain}`)
}

function of(...domains: string[]): BorderServers {
  return { serverIds: domains, isUnnamed: false, isSingle: true, machines: domains }
}
