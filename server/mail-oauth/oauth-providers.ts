/** The OAuth2 providers, and this server's client at each: from the environment, or set by an administrator. */
import {
  type OAuthProvider,
  type OAuthProviderInput,
  type OAuthUse,
  oauthCallbackPath,
} from '../../contract/mail-oauth.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import {
  builtInProviders,
  googleEndpoints,
  microsoftEndpoints,
  type OAuthClient,
  type OAuthProviderFacts,
  type ReadyProvider,
} from './oauth-provider.ts'
import { OAuthFault, type OAuthServer } from './oauth-server.ts'
import type { OAuthStore } from './oauth-store.ts'
import { clientSealContext, type OAuthClientRow } from './oauth-tables.ts'

/** Clients from the environment. */
export interface MailOAuthConfig {
  google: OAuthClient | undefined
  microsoft: (OAuthClient & { tenant: string }) | undefined
}

export interface OAuthProvidersOptions {
  store: Pick<OAuthStore, 'listClients' | 'putClient' | 'deleteClient' | 'countAccounts'>
  server: Pick<OAuthServer, 'look' | 'forget'>
  config: MailOAuthConfig
  secrets: SecretBox
  hub: Pick<EventHub, 'transact'>
  /** The base URL of the page, as browsers know it. */
  baseUrl(): string
  now(): number
}

interface CustomProvider {
  name: string
  metadata_url: string
  imap_hosts: string[]
  smtp_hosts: string[]
  domains: string[]
  scopes: Record<OAuthUse, string[]>
  has_device_flow: boolean
}

const defaultTenant = 'common'
/** Upper bound of providers that are not built in. */
const mostCustom = 50

export class OAuthProviders {
  readonly #options: OAuthProvidersOptions
  readonly #listeners = new Set<(providerId: string) => void>()
  #rows: readonly OAuthClientRow[] = []

  constructor(options: OAuthProvidersOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#rows = await this.#options.store.listClients()
  }

  /** True if there is a client at any provider. */
  get hasClient(): boolean {
    const { google, microsoft } = this.#options.config
    return this.#rows.length > 0 || google !== undefined || microsoft !== undefined
  }

  get redirectUri(): string {
    return new URL(oauthCallbackPath, this.#options.baseUrl()).href
  }

  /** Registers a listener for providers whose client has changed. */
  onChange(listener: (providerId: string) => void): void {
    this.#listeners.add(listener)
  }

  async list(): Promise<OAuthProvider[]> {
    const counts = await this.#options.store.countAccounts()
    const custom = this.#rows.filter(({ custom }) => custom !== null).map(({ id }) => id)
    return [...builtInProviders.map(({ id }) => id), ...custom].map(id => this.#view(id, counts.get(id) ?? 0))
  }

  /** @throws Problem oauth_provider_not_found. */
  nameOf(id: string): string {
    return this.#findFacts(id)?.name ?? id
  }

  /** Returns true if there is a client at the provider. */
  isReady(id: string): boolean {
    return this.#configured(id) !== undefined || this.#findRow(id) !== undefined
  }

  /** @throws Problem if there is no such provider, or no client at it. */
  get(id: string): ReadyProvider {
    const facts = this.#findFacts(id)
    if (!facts) throw new Problem('oauth_provider_not_found', 'There is no such provider.')
    const row = this.#findRow(id)
    const client = row ? this.#clientOf(row) : this.#configured(id)
    if (!client) {
      const detail = `No client id is set for ${facts.name}. An administrator sets it under Configuration.`
      throw new Problem('oauth_client_missing', detail)
    }
    return { ...facts, ...client, endpoints: this.#endpointsOf(id, row) }
  }

  /** @throws Problem, also if the metadata of a new provider cannot be read. */
  async set(principal: Principal, id: string, input: OAuthProviderInput): Promise<OAuthProvider> {
    const { store, server, secrets, hub, now } = this.#options
    refuseProgram(principal)
    this.#refuseConfigured(id)
    const isBuiltIn = builtInProviders.some(provider => provider.id === id)
    refuseMisfit(id, input, isBuiltIn)
    const before = this.#findRow(id)
    const isSameClient = before?.client_id === input.client_id && isSamePlace(before, input)
    const kept = isSameClient ? (before?.secret_sealed ?? null) : null
    const given = input.client_secret
    const secret = given === undefined ? kept : given === null ? null : secrets.seal(given, clientSealContext(id))
    const at = new Date(now()).toISOString()
    const draft: OAuthClientRow = {
      id,
      client_id: input.client_id,
      secret_sealed: secret,
      tenant: id === 'microsoft' ? (input.tenant ?? defaultTenant) : null,
      custom: input.custom ? JSON.stringify({ ...input.custom, has_device_flow: false }) : null,
      set_by: principal.name,
      set_at: at,
    }
    const row = input.custom ? await this.#looked(draft, input.custom) : draft
    const withRow = () =>
      [...this.#rows.filter(known => known.id !== id), row].toSorted((a, b) => (a.id < b.id ? -1 : 1))
    if (withRow().filter(({ custom }) => custom !== null).length > mostCustom) {
      throw new Problem('not_possible_now', `At most ${mostCustom} other providers can be added; remove some first.`)
    }
    await hub.transact(async (transaction, publish) => {
      await store.putClient(transaction, row)
      publish({ type: 'configuration_updated', data: { changed: [`oauth.${id}`], principal: principal.name, at } })
    })
    // Computed now, since another one may have been set meanwhile.
    this.#rows = withRow()
    server.forget(id)
    for (const listener of this.#listeners) listener(id)
    return this.#view(id, (await store.countAccounts()).get(id) ?? 0)
  }

  async delete(principal: Principal, id: string): Promise<void> {
    const { store, server, hub, now } = this.#options
    refuseProgram(principal)
    this.#refuseConfigured(id)
    if (!this.#findRow(id)) throw new Problem('oauth_provider_not_found', 'No client id is set for this provider.')
    const at = new Date(now()).toISOString()
    await hub.transact(async (transaction, publish) => {
      const count = (await store.countAccounts(transaction)).get(id) ?? 0
      if (count > 0) {
        const detail = `${count} ${count === 1 ? 'account signs' : 'accounts sign'} in by it; disconnect them first.`
        throw new Problem('not_possible_now', detail)
      }
      await store.deleteClient(transaction, id)
      publish({ type: 'configuration_updated', data: { changed: [`oauth.${id}`], principal: principal.name, at } })
    })
    this.#rows = this.#rows.filter(row => row.id !== id)
    server.forget(id)
  }

  /** Reads the metadata once, so that a wrong URL is reported immediately. */
  async #looked(row: OAuthClientRow, custom: NonNullable<OAuthProviderInput['custom']>): Promise<OAuthClientRow> {
    const { server } = this.#options
    const client = this.#clientOf(row)
    const provider = { ...customFacts(row.id, { ...custom, has_device_flow: false }), ...client }
    server.forget(row.id)
    try {
      const { hasDeviceFlow } = await server.look({ ...provider, endpoints: { metadataUrl: custom.metadata_url } })
      return { ...row, custom: JSON.stringify({ ...custom, has_device_flow: hasDeviceFlow }) }
    } catch (error) {
      server.forget(row.id)
      if (!(error instanceof OAuthFault)) throw error
      const detail = `What is at ${custom.metadata_url} could not be read as the metadata of a provider: ${error.message}`
      throw new Problem('oauth_unreachable', detail, { cause: error })
    }
  }

  #view(id: string, accounts: number): OAuthProvider {
    const facts = this.#findFacts(id)!
    const row = this.#findRow(id)
    const configured = row ? undefined : this.#configured(id)
    const custom = row?.custom ? customOf(row.custom) : undefined
    const client = row && {
      client_id: row.client_id,
      has_secret: row.secret_sealed !== null,
      source: 'page' as const,
      set_by: row.set_by,
      set_at: row.set_at,
    }
    const ofEnvironment = configured && {
      client_id: configured.clientId,
      has_secret: configured.clientSecret !== undefined,
      source: 'environment' as const,
      set_by: null,
      set_at: null,
    }
    return {
      id,
      name: facts.name,
      kind: facts.kind,
      client: client ?? ofEnvironment ?? null,
      tenant: facts.kind === 'microsoft' ? this.#tenantOf(row) : null,
      metadata_url: custom?.metadata_url ?? null,
      imap_hosts: [...facts.imapHosts],
      smtp_hosts: [...facts.smtpHosts],
      domains: [...facts.domains],
      scopes: { read: [...facts.scopes.read], send: [...facts.scopes.send] },
      has_device_flow: custom ? custom.has_device_flow : facts.kind === 'microsoft',
      redirect_uri: this.redirectUri,
      accounts,
    }
  }

  #findFacts(id: string): OAuthProviderFacts | undefined {
    const builtIn = builtInProviders.find(provider => provider.id === id)
    const custom = this.#findRow(id)?.custom
    return builtIn ?? (custom ? customFacts(id, customOf(custom)) : undefined)
  }

  #findRow(id: string): OAuthClientRow | undefined {
    return this.#configured(id) ? undefined : this.#rows.find(row => row.id === id)
  }

  #configured(id: string): OAuthClient | undefined {
    return id === 'google' || id === 'microsoft' ? this.#options.config[id] : undefined
  }

  #clientOf({ id, client_id: clientId, secret_sealed: sealed }: OAuthClientRow): OAuthClient {
    const clientSecret = sealed === null ? undefined : this.#options.secrets.open(sealed, clientSealContext(id))
    return { clientId, clientSecret }
  }

  #tenantOf(row: OAuthClientRow | undefined): string {
    return row?.tenant ?? this.#options.config.microsoft?.tenant ?? defaultTenant
  }

  #endpointsOf(id: string, row: OAuthClientRow | undefined): ReadyProvider['endpoints'] {
    if (id === 'google') return googleEndpoints()
    if (id === 'microsoft') return microsoftEndpoints(this.#tenantOf(row))
    return { metadataUrl: customOf(row!.custom!).metadata_url }
  }

  #refuseConfigured(id: string): void {
    if (!this.#configured(id)) return
    const detail = `The client is set by RUSTYMAIL_OAUTH_${id.toUpperCase()}_CLIENT_ID; change it there.`
    throw new Problem('not_possible_now', detail)
  }
}

/** Tokens may leak, so only users may change how accounts sign in. */
function refuseProgram(principal: Principal): void {
  if (principal.kind !== 'token') return
  throw new Problem('session_needed', 'Sign in to change how accounts sign in; tokens are not allowed to.')
}

function refuseMisfit(id: string, input: OAuthProviderInput, isBuiltIn: boolean): void {
  const fault = (field: string, message: string) => badInput(`body.${field}`, message)
  if (isBuiltIn && input.custom) throw fault('custom', 'this provider is built in')
  if (!isBuiltIn && !input.custom) throw fault('custom', 'is required for a provider that is not built in')
  if (id !== 'microsoft' && input.tenant !== undefined) throw fault('tenant', 'is for Microsoft alone')
  const url = input.custom && new URL(input.custom.metadata_url)
  const isPlain = url?.protocol === 'http:' && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (isPlain) throw fault('custom.metadata_url', 'must be an https:// address')
}

/** Returns true if the stored secret stays at the provider that it was entered for. */
function isSamePlace(before: OAuthClientRow, { custom }: OAuthProviderInput): boolean {
  return !custom || (before.custom !== null && customOf(before.custom).metadata_url === custom.metadata_url)
}

function customOf(text: string): CustomProvider {
  // Only `set` writes this column.
  return JSON.parse(text) as CustomProvider
}

function customFacts(id: string, custom: CustomProvider): OAuthProviderFacts {
  const { name, imap_hosts: imapHosts, smtp_hosts: smtpHosts, domains, scopes } = custom
  const isOpenId = scopes.read.includes('offline_access') || scopes.send.includes('offline_access')
  // Required for `offline_access` (OpenID Connect Core 1.0, section 11).
  const authorizationParameters: Record<string, string> = isOpenId ? { prompt: 'consent' } : {}
  return { id, name, kind: 'custom', imapHosts, smtpHosts, domains, scopes, authorizationParameters }
}

/** Returns the servers to which a provider's tokens may be sent, by the database; none for an unknown provider. */
export async function storedHosts(
  store: Pick<OAuthStore, 'listClients'>,
  providerId: string,
  part: 'imap' | 'smtp',
): Promise<readonly string[]> {
  const builtIn = builtInProviders.find(({ id }) => id === providerId)
  if (builtIn) return part === 'imap' ? builtIn.imapHosts : builtIn.smtpHosts
  const row = (await store.listClients()).find(({ id }) => id === providerId)
  if (!row?.custom) return []
  const { imap_hosts, smtp_hosts } = JSON.parse(row.custom) as CustomProvider
  return part === 'imap' ? imap_hosts : smtp_hosts
}
