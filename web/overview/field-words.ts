/** Names of changed fields, in words. */

/** Fields whose names are not readable as they are. */
const words: ReadonlyMap<string, string> = new Map(
  Object.entries({
    connection_pool_size: 'connections per account',
    disabled: 'status',
    disabled_by: 'disabled by',
    enabled: 'status',
    expires_at: 'expiry',
    look_interval_seconds: 'check interval of other folders',
    is_default: 'default account',
    max_connections: 'connections in total',
    oidc: 'link to the sign-in provider',
    private_networks: 'allowed private networks',
    totp: 'authenticator',
    use_ssl: 'TLS',
  }),
)
const serverParts: ReadonlyMap<string, string> = new Map(Object.entries({ host: 'server', tls: 'TLS' }))

/** @param names As in facts: `totp`, `imap.host`, `recovery_codes`. */
export function fieldWords(names: readonly string[]): string {
  return names.map(wordsOf).join(', ')
}

function wordsOf(name: string): string {
  const [, protocol = '', part = ''] = /^(imap|smtp)\.(.+)$/.exec(name) ?? []
  if (protocol !== '') return `${protocol.toUpperCase()} ${serverParts.get(part) ?? part}`
  return words.get(name) ?? name.replaceAll('_', ' ')
}
