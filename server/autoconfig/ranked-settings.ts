/** Ranks settings by the trust in their source, best first; the same servers from several sources are merged. */
import { createHash } from 'node:crypto'
import type { DiscoveredSettings, DiscoverySource } from '../../contract/autoconfig.ts'
import type { Found } from './outcome.ts'
import type { ProviderTable } from './shipped-providers.ts'
import { isWithin, type SoughtAddress } from './sought-address.ts'

/** Our own data; what the domain publishes over https; unsigned DNS; and last, guesses. */
const trust: readonly DiscoverySource[] = [
  'shipped',
  'pacc',
  'autoconfig',
  'well_known',
  'autodiscover',
  'srv',
  'mx',
  'guess',
]

export class RankedSettings {
  readonly #address: SoughtAddress
  readonly #providers: ProviderTable
  #list: DiscoveredSettings[] = []

  constructor(address: SoughtAddress, providers: ProviderTable) {
    this.#address = address
    this.#providers = providers
  }

  get list(): readonly DiscoveredSettings[] {
    return this.#list
  }

  add(source: DiscoverySource, found: Found): void {
    const added = this.#settingsOf(source, found)
    const before = this.#list.find(({ id }) => id === added.id)
    const [better, other] = before && rankOf(before) <= rankOf(added) ? [before, added] : [added, before]
    const merged = other ? { ...better, confirmed_by: confirmedBy(better, other) } : better
    this.#list = [...this.#list.filter(({ id }) => id !== added.id), merged].sort(
      (one, another) => rankOf(one) - rankOf(another),
    )
  }

  #settingsOf(source: DiscoverySource, { settings, isByDnsAlone = false, provider }: Found): DiscoveredSettings {
    const { imap, smtp, oauthIssuer } = settings
    const { email, localPart, domain } = this.#address
    const known = provider ?? this.#providers.ofImapHost(imap.host)
    // Known data about the provider outweighs what a source omits.
    const auth = known ? waysOf(known.offers.find(({ host }) => host === imap.host)?.auth ?? []) : imap.auth
    const form = imap.user === email ? 'address' : imap.user === localPart ? 'local_part' : 'other'
    const servers = [imap, smtp].map(server => server && `${server.host}:${server.port}:${server.tls}`).join(' ')
    return {
      id: createHash('sha256').update(servers).digest('hex').slice(0, 12),
      source,
      provider: known?.name ?? null,
      imap: { ...imap, auth },
      smtp,
      user_form: form,
      takes_passwords: auth.includes('password'),
      oauth_issuer: known?.oauthIssuer ? `https://${known.oauthIssuer}` : oauthIssuer,
      is_elsewhere: isByDnsAlone && !known && !isWithin(imap.host, domain),
      note: known?.instruction ?? null,
      documentation_url: known?.documentationUrl ?? null,
      confirmed_by: [],
    }
  }
}

function rankOf({ source, smtp }: DiscoveredSettings): number {
  // Among equally trusted ones, settings with an SMTP server come first.
  return trust.indexOf(source) * 2 + (smtp ? 0 : 1)
}

function confirmedBy(better: DiscoveredSettings, other: DiscoveredSettings): DiscoverySource[] {
  const sources = new Set([...better.confirmed_by, ...other.confirmed_by, other.source])
  sources.delete(better.source)
  return [...sources]
}

function waysOf(names: readonly string[]): DiscoveredSettings['imap']['auth'] {
  const hasOauth = names.includes('OAuth2')
  const hasPassword = names.some(name => name.startsWith('password'))
  return [...(hasPassword ? (['password'] as const) : []), ...(hasOauth ? (['oauth2'] as const) : [])]
}
