/** Inner networks that an administrator allows while the server runs, beside those of the environment, for mail servers or for model providers: what is allowed for the one says nothing of the other. */
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
  /** Of mail servers. */
  guard: Pick<OutboundGuard, 'allow' | 'check'>
  /** Of model providers that the page names. */
  models: Pick<OutboundGuard, 'allow'>
  /** `RUSTYMAIL_PRIVATE_NETWORKS`. */
  configured: readonly string[]
}

type Allowed = PrivateNetworks['allowed']

const settingName = 'private_networks'
const most = 100
/** Wider than any private network is a slip of the hand. */
const fewestBits = { ipv4: 8, ipv6: 7 }

/** As they were stored: for those who only follow them. */
export async function allowedNetworks(store: Pick<SettingStore, 'find'>): Promise<Allowed> {
  // Only this service writes it; at first there were mail servers alone.
  const stored = (await store.find(settingName)) as Partial<Allowed[number]>[] | undefined
  return (stored ?? []).map(each => ({ servers: 'mail', ...each })) as Allowed
}

/** Those that may be named as such servers. */
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

  /** Accounts that wait for it are connected at once. @param tried Hears the networks, for the trail. */
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

  /** Connections to what is not open any more end. */
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

  /** In force before anybody hears of it, and as before when it cannot be kept. Answers whether anything changed. */
  async #change(principal: Principal, alter: (before: Allowed) => Allowed): Promise<boolean> {
    const { hub, store } = this.#options
    let before: Allowed | undefined
    const kept = hub.transact(async (transaction, tell) => {
      const after = alter(this.#allowed)
      if (after.length === this.#allowed.length) return false
      const at = new Date().toISOString()
      await store.save(transaction, settingName, after, at)
      before = this.#allowed
      this.#use(after)
      tell({ type: 'configuration_updated', data: { changed: [settingName], principal: principal.name, at } })
      return true
    })
    // Also when it is the commit that fails.
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

  /** What a name answers now says nothing of where its connections lead: its owner may answer otherwise since. */
  async #isClosed({ host, port }: { host: string; port: number }): Promise<boolean> {
    if (isIP(host) === 0) return true
    return this.#options.guard.check(host, port).then(
      () => false,
      () => true,
    )
  }
}

/** Else a token that leaked could open the way inside for itself. */
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
  const path = `body.networks.${index}`
  throw new Problem('bad_request', `${path}: ${text} ${message}`, { errors: [{ path, message }] })
}
