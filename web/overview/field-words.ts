/** What was changed of something, in words. */

/** Of those that do not read well by themselves. */
const words: Record<string, string> = {
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
}
const serverParts: Record<string, string> = { host: 'server', tls: 'TLS' }

/** @param names As the facts give them: `totp`, `imap.host`, `recovery_codes`. */
export function fieldWords(names: readonly string[]): string {
  return names.map(wordsOf).join(', ')
}

function wordsOf(name: string): string {
  const [, protocol = '', part = ''] = /^(imap|smtp)\.(.+)$/.exec(name) ?? []
  if (protocol !== '') return `${protocol.toUpperCase()} ${serverParts[part] ?? part}`
  return words[name] ?? name.replaceAll('_', ' ')
}
