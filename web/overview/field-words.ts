/** What was changed of something, in words. */

/** Of those that do not read well by themselves. */
const words: ReadonlyMap<string, string> = new Map(
  Object.entries({
    allowed_addresses: 'the addresses it may come from',
    connection_pool_size: 'connections of an account',
    disabled: 'whether they may sign in',
    disabled_by: 'who keeps them from signing in',
    enabled: 'whether it is connected',
    expires_at: 'when it ends',
    is_default: 'whether it is the default',
    max_connections: 'connections of the server',
    oidc: 'the link to the sign-in provider',
    private_networks: 'which private networks are open',
    scopes: 'what it may do',
    totp: 'authenticator',
    use_ssl: 'TLS',
  }),
)
const serverParts: ReadonlyMap<string, string> = new Map(Object.entries({ host: 'server', tls: 'TLS' }))

/** @param names As the facts give them: `totp`, `imap.host`, `recovery_codes`. */
export function fieldWords(names: readonly string[]): string {
  return names.map(wordsOf).join(', ')
}

function wordsOf(name: string): string {
  const [, protocol = '', part = ''] = /^(imap|smtp)\.(.+)$/.exec(name) ?? []
  if (protocol !== '') return `${protocol.toUpperCase()} ${serverParts.get(part) ?? part}`
  return words.get(name) ?? name.replaceAll('_', ' ')
}
