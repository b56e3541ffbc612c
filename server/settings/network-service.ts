/**
 * Private networks that an administrator allows at run time, in addition to those of the environment, for mail servers
 * or for model providers: the two lists are independent.
 */
import { isIP, isIPv4 } from 'node:net'
import type { PrivateNetworks, ServersAllowed } from '../../contract/settings.ts'
import { refuseNarrow } from '../accounts/account-rules.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { HealthRegistry } from '../accounts/health-registry.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { judgeAddress } from '../platform/network/outbound-rules.ts'
import { canonicalRange } from '../platform/network/private-network.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SettingStore } from './setting-store.ts'

export interface NetworkServiceOptions {
  store: SettingStore
  accounts: Pick<AccountService, 'listEnabled' | 'reconnect'>
  health: Pick<HealthRegistry, 'get'>
  hub: EventHub
  /** The outbound guard for mail servers. */
  guard: Pick<OutboundGuard, 'allow' | 'check'>
  /** The outbound guard for model providers that the page names. */
  models: Pick<OutboundGuard, 'allow'>
  /** `RUSTYMAIL_PRIVATE_NETWORKS`. */
  configured: readonly string[]
}

type Allowed = PrivateNetworks['allowed']

const settingName = 'private_networks'
const most = 100
/** The shortest prefixes: anything wider than a private network is a typing error. */
const fewestBits = { ipv4: 8, ipv6: 7 }

/** Returns the stored networks, for code that only applies them. */
export async function allowedNetworks(store: Pick<SettingStore, 'find'>): Promise<Allowed> {
  // Only this service writes it; the first version had only mail servers.
  const stored = (await store.find(settingName)) as Partial<Allowed[number]>[] | undefined
  return (stored ?? []).map(each => ({ servers: 'mail', ...each })) as Allowed
}

/** Returns the networks allowed for such servers. */
export function networksFor(servers: ServersAllowed, allowed: Allowed): string[] {
  return allowed.filter(each => each.servers === servers).map(({ network }) => network)
}

export class NetworkService {
  readonly #options: NetworkServiceOptions
  #allowed: Allowed = []

  constructor(options: NetworkServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#use(await allowedNetworks(this.#options.store))
  }

  list(): PrivateNetworks {
    return { configured: [...this.#options.configured], allowed: [...this.#allowed] }
  }

  /**
   * Allows networks, and reconnects accounts that waited for it. @param tried Called with the networks, for the trail.
   */
  async allow(
    principal: Principal,
    { networks: texts, servers }: { networks: readonly string[]; servers: ServersAllowed },
    tried: (networks: readonly string[]) => void = () => undefined,
  ): Promise<PrivateNetworks> {
    refuseProgram(principal)
    const networks = texts.map(networkOf)
    tried(networks)
    const isChanged = await this.#change(principal, before => {
      const known = new Set(networksFor(servers, before))
      const allowed_at = new Date().toISOString()
      const added = [...new Set(networks)]
        .filter(network => !known.has(network))
        .map(network => ({ network, servers, allowed_by: principal.name, allowed_at }))
      if (before.length + added.length <= most) return [...before, ...added]
      throw new Problem(
        'too_many_networks',
        `At most ${most} networks can be allowed; allow a wider one, or remove some.`,
      )
    })
    if (isChanged && servers === 'mail') await this.#reconnect(account => this.#isWaiting(account.id))
    return this.list()
  }

  /** Forbids a network, and closes connections that are no longer allowed. */
  async forbid(principal: Principal, text: string, servers: ServersAllowed): Promise<PrivateNetworks> {
    refuseProgram(principal)
    const network = canonicalRange(text)
    await this.#change(principal, before => {
      const left = before.filter(known => known.network !== network || known.servers !== servers)
      if (left.length < before.length) return left
      const isConfigured = this.#options.configured.some(range => canonicalRange(range) === network)
      const detail = isConfigured
        ? 'This network is allowed by RUSTYMAIL_PRIVATE_NETWORKS; change it there.'
        : 'This network is not allowed, so there is nothing to remove.'
      throw new Problem('network_not_found', detail)
    })
    if (servers === 'mail') await this.#reconnect(account => this.#isClosed(account))
    return this.list()
  }

  /**
   * Applies a change before it is announced, and rolls it back if it cannot be stored. Returns true if anything
   * changed.
   */
  async #change(principal: Principal, alter: (before: Allowed) => Allowed): Promise<boolean> {
    const { hub, store } = this.#options
    let before: Allowed | undefined
    const kept = hub.transact(async (transaction, publish) => {
      const after = alter(this.#allowed)
      if (after.length === this.#allowed.length) return false
      const at = new Date().toISOString()
      await store.save(transaction, settingName, after, at)
      before = this.#allowed
      this.#use(after)
      publish({ type: 'configuration_updated', data: { changed: [settingName], principal: principal.name, at } })
      return true
    })
    // Rolls back also if only the commit fails.
    return kept.catch((error: unknown) => {
      if (before) this.#use(before)
      throw error
    })
  }

  #use(allowed: Allowed): void {
    this.#allowed = allowed
    this.#options.guard.allow(networksFor('mail', allowed))
    this.#options.models.allow(networksFor('models', allowed))
  }

  async #reconnect(isConcerned: (account: { id: string; host: string; port: number }) => boolean | Promise<boolean>) {
    const { accounts } = this.#options
    const all = await accounts.listEnabled()
    await Promise.all(
      all.map(async account => {
        if (await isConcerned(account)) accounts.reconnect(account.id)
      }),
    )
  }

  #isWaiting(accountId: string): boolean {
    return this.#options.health.get(accountId, true).last_error?.cause === 'private_network'
  }

  /**
   * Returns true if connections to the place must be closed; always for a name, since what it resolves to now says
   * nothing about where its open connections lead.
   */
  async #isClosed({ host, port }: { host: string; port: number }): Promise<boolean> {
    if (isIP(host) === 0) return true
    return this.#options.guard.check(host, port).then(
      () => false,
      () => true,
    )
  }
}

/** Refuses tokens, since a leaked one could otherwise open private networks for itself. */
function refuseProgram(principal: Principal): void {
  if (principal.kind === 'token') {
    throw new Problem('session_needed', 'Sign in to change the allowed private networks; tokens are not allowed to.')
  }
  refuseNarrow(principal, 'Changing the allowed private networks')
}

function networkOf(text: string, index: number): string {
  const network = canonicalRange(text)
  const [address = '', bits] = network?.split('/') ?? []
  const isWide = Number(bits) < fewestBits[isIPv4(address) ? 'ipv4' : 'ipv6']
  if (network !== undefined && !isWide && judgeAddress(address) === 'inner') return network
  const message = 'is not a private network or address such as 192.168.1.0/24 or 10.0.0.5'
  const path = `body.networks.${index}` as const
  throw new Problem('bad_request', `${path}: ${text} ${message}`, { errors: [{ path, message }] })
}
