/** OAuth for MCP clients: its switch, and the decisions of users about clients that want to connect. */

import {
  type ConnectionPreset,
  type ConnectionRequest,
  connectionPresets,
  connectionScopes,
  longestConnectionDays,
  type McpAuthSettings,
} from '../../contract/mcp-auth.ts'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { withIncluded } from '../../contract/scope.ts'
import type { OAuthClient } from '../../contract/tokens.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { PolicyService } from '../policies/policy-service.ts'
import type { TokenService } from '../tokens/token-service.ts'
import { type AuthorizationServer, createAuthorizationServer, type ServerSurroundings } from './authorization-server.ts'
import { standIns } from './koa-exchange.ts'

export interface McpAuthOptions extends ServerSurroundings {
  tokens: TokenService
  policies: Pick<PolicyService, 'set'>
  settings: {
    find(name: string, db?: Database): Promise<unknown>
    save(transaction: Database, name: string, value: unknown, at: string): Promise<void>
  }
  hub: Pick<EventHub, 'transact' | 'listen'>
}

/** The user's browser. */
interface Visitor {
  principal: Principal
  /** The origin at which the browser reached this server. */
  origin: string
  cookie: string
}

interface Decision {
  name: string
  preset: ConnectionPreset
  proposes: boolean
  accounts: readonly string[]
  expires_at: string
}

const settingName = 'mcp_auth'
/** Origins with an authorization server; past it the least recently used is evicted, and created again when needed. */
const maxOrigins = 4
const dayMs = 24 * 60 * 60_000
/** How long a new connection may exist without a code or token. */
const settlingMs = 60 * 60_000

export class McpAuthService {
  readonly #options: McpAuthOptions
  readonly #servers = new Map<string, Promise<AuthorizationServer>>()
  readonly #deciding = new Set<string>()
  #isOn = false
  /** Serialises reads of the setting, so that the latest one counts. */
  #following: Promise<void> = Promise.resolve()
  #unlisten: (() => void) | undefined

  constructor(options: McpAuthOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#isOn = await this.#read()
    this.#unlisten = this.#options.hub.listen('configuration_updated', ({ changed }) => {
      if (changed.includes(settingName)) void this.follow()
    })
    // Catches a change between the two.
    await this.follow()
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    await this.#following
  }

  /** Reads the setting, whichever process changed it; when it is switched off, open connections of clients are cut. */
  follow(): Promise<void> {
    const { tokens, logger } = this.#options
    const look = async () => {
      const wasOn = this.#isOn
      this.#isOn = await this.#read()
      if (wasOn && !this.#isOn) await tokens.cutConnections()
    }
    const failed = (err: unknown) => logger.error({ err }, 'the setting of OAuth for MCP could not be read')
    this.#following = this.#following.then(look).catch(failed)
    return this.#following
  }

  get isOn(): boolean {
    return this.#isOn
  }

  get(origin: string): McpAuthSettings {
    return { enabled: this.#isOn, resource: `${origin}/mcp`, issuer: origin }
  }

  async set({ principal, origin }: Pick<Visitor, 'principal' | 'origin'>, enabled: boolean): Promise<McpAuthSettings> {
    const { settings, hub, tokens, now } = this.#options
    if (principal.accounts !== 'all') {
      throw new Problem('beyond_own_rights', 'OAuth for MCP applies to all accounts, and you see only some.')
    }
    if (enabled !== (await this.#read())) {
      const at = new Date(now()).toISOString()
      await hub.transact(async (transaction, publish) => {
        await settings.save(transaction, settingName, enabled, at)
        publish({ type: 'configuration_updated', data: { changed: [settingName], principal: principal.name, at } })
      })
    }
    await this.follow()
    if (!enabled) await tokens.cutConnections()
    return this.get(origin)
  }

  async #read(): Promise<boolean> {
    return (await this.#options.settings.find(settingName)) === true
  }

  /** Returns the authorization server of this origin. @throws Problem `not_found` while it is off. */
  async serverAt(origin: string): Promise<AuthorizationServer> {
    if (!this.#isOn) throw new Problem('not_found', 'Nothing exists at this path.')
    const known = this.#servers.get(origin)
    this.#servers.delete(origin)
    if (!known && this.#servers.size >= maxOrigins) this.#servers.delete(this.#servers.keys().next().value!)
    const server = known ?? createAuthorizationServer(origin, this.#options)
    this.#servers.set(origin, server)
    return server
  }

  async getRequest(visitor: Visitor, requestId: string): Promise<ConnectionRequest> {
    const { interaction, client } = await this.#find(visitor, requestId)
    const { params, exp } = interaction
    const asked = String(params.scope ?? '').split(' ')
    return {
      request_id: requestId,
      client: viewOf(client, String(params.redirect_uri)),
      client_uri: client.clientUri ?? null,
      redirect_uri: String(params.redirect_uri),
      asks_for: connectionScopes.filter(scope => asked.includes(scope)),
      resource: String(params.resource),
      expires_at: new Date(exp * 1_000).toISOString(),
    }
  }

  /** @returns The path on which the browser continues, and the token of the connection. */
  async approve(visitor: Visitor, requestId: string, decision: Decision): Promise<{ path: string; tokenId: string }> {
    const { tokens, policies, now } = this.#options
    const { principal } = visitor
    const { userId } = principal
    if (principal.kind !== 'session' || userId === null)
      throw new Problem('session_needed', 'Sign in to connect a client.')
    refuseLong(decision.expires_at, now())
    return this.#once(requestId, async () => {
      const { provider, interaction, client } = await this.#find(visitor, requestId)
      const scopes = [...connectionPresets[decision.preset].scopes]
      const { name, accounts, expires_at } = decision
      const wanted = { name, accounts, expires_at, scopes, allowed_addresses: [] }
      const view = viewOf(client, String(interaction.params.redirect_uri))
      const { info } = await tokens.create(principal, wanted, view)
      const policy = policyOf(decision)
      if (policy !== defaultPolicy) await policies.set(principal, info.id, policy)
      const scope = scopes.flatMap(withIncluded).join(' ')
      const resource = String(interaction.params.resource)
      const grant = new provider.Grant({ accountId: userId, clientId: client.clientId, jti: info.id })
      grant.addResourceScope(resource, scope)
      await grant.save()
      // The client gets what the user chose, whatever it asked for; the response says so (RFC 6749, section 3.3).
      interaction.params = { ...interaction.params, scope, resource }
      interaction.result = { login: { accountId: userId, remember: false }, consent: { grantId: info.id } }
      await interaction.save(secondsLeft(interaction.exp, now()))
      return { path: pathOf(interaction.returnTo), tokenId: info.id }
    })
  }

  async deny(visitor: Visitor, requestId: string): Promise<string> {
    return this.#once(requestId, async () => {
      const { interaction } = await this.#find(visitor, requestId)
      interaction.result = { error: 'access_denied', error_description: 'the user did not want to connect it' }
      await interaction.save(secondsLeft(interaction.exp, this.#options.now()))
      return pathOf(interaction.returnTo)
    })
  }

  /** Deletes expired records, and connections whose client cannot come back. */
  async prune(): Promise<void> {
    const { store, tokens, now } = this.#options
    const at = new Date(now()).toISOString()
    const dead = await store.listDead(new Date(now() - settlingMs).toISOString(), at)
    for (const tokenId of dead) await tokens.endConnection(tokenId, 'no longer used')
    await store.prune(at)
    await tokens.pruneSecrets()
  }

  /** @throws Problem if the request is of another browser, has expired or is decided. */
  async #find({ origin, cookie }: Visitor, requestId: string) {
    if (!this.#isOn) throw unknownRequest()
    const { provider } = await this.serverAt(origin)
    const bare = {
      method: 'GET',
      target: '/',
      headers: { cookie },
      body: undefined,
      isHttps: origin.startsWith('https:'),
    }
    const { request, response } = standIns(bare)
    const interaction = await provider.interactionDetails(request, response).catch(() => undefined)
    // The cookie binds it to the browser; otherwise a user could be tricked into deciding another's request.
    if (interaction?.uid !== requestId || interaction.result !== undefined) throw unknownRequest()
    const client = await provider.Client.find(String(interaction.params.client_id)).catch(() => undefined)
    if (!client) throw unknownRequest()
    return { provider, interaction, client }
  }

  /** Prevents concurrent decisions about one request. */
  async #once<Result>(requestId: string, decide: () => Promise<Result>): Promise<Result> {
    if (this.#deciding.has(requestId)) throw unknownRequest()
    this.#deciding.add(requestId)
    try {
      return await decide()
    } finally {
      this.#deciding.delete(requestId)
    }
  }
}

function viewOf(
  client: { clientId: string; clientName?: string; clientIdMetadataDocument?: true },
  redirectUri: string,
): OAuthClient {
  const { protocol, host } = new URL(redirectUri)
  return {
    client_id: client.clientId,
    name: client.clientName ?? client.clientId,
    host: client.clientIdMetadataDocument ? new URL(client.clientId).host : null,
    redirect_host: protocol === 'https:' || protocol === 'http:' ? host : protocol,
  }
}

function policyOf({ preset, proposes }: Decision): TokenPolicy {
  if (preset !== 'autonomous' && !proposes) return defaultPolicy
  const mode = proposes ? 'propose' : 'act'
  if (preset !== 'autonomous') return { ...defaultPolicy, mode }
  const approval = { always: false, strangers: false, tainted_minutes: 60 }
  return { ...defaultPolicy, mode, sending: { ...defaultPolicy.sending, approval } }
}

function refuseLong(expiresAt: string, now: number): void {
  if (Date.parse(expiresAt) <= now + (longestConnectionDays + 1) * dayMs) return
  throw badInput('body.expires_at', `is more than ${longestConnectionDays} days from now`)
}

function unknownRequest(): Problem {
  const detail = 'This request expired, was decided, or was begun in another browser. Connect again from the client.'
  return new Problem('connection_not_found', detail)
}

function secondsLeft(endsAt: number, now: number): number {
  return Math.max(1, endsAt - Math.floor(now / 1_000))
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url, 'http://here.invalid')
  return pathname + search
}
