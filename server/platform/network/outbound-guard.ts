/**
 * Guards connections to user-supplied servers. A name is resolved once, every address is checked, and the connection
 * uses a checked one, so that a second DNS answer cannot lead elsewhere (DNS rebinding).
 */
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Problem } from '../problem.ts'
import type { AddressRanges } from './address-range.ts'
import { closedPlaces, judgeAddress, rangesOf } from './outbound-rules.ts'
import { canonicalRange, networkAround } from './private-network.ts'

/** Networks suggested at most, the number that one request can allow; no mail server has more inner addresses. */
const maxNetworks = 16

export interface Address {
  address: string
  family: 4 | 6
}

export interface JudgedAddress extends Address {
  /** `private`: only if allowed by configuration. `forbidden`: never. */
  verdict: 'allowed' | 'private' | 'forbidden'
}

export interface OutboundGuardOptions {
  /** Inner address ranges that are allowed. */
  privateNetworks: readonly string[]
  /** `host` or `host:port` configured by the operator: checked only against what is always forbidden. */
  trusted: readonly string[]
  /** Whether an administrator may allow further ranges at run time. */
  isAdjustable?: boolean
  /** Resolves a name to all its addresses; overridden only by tests. */
  resolve?: (host: string) => Promise<Address[]>
}

export class OutboundGuard {
  readonly #configured: readonly string[]
  readonly #isAdjustable: boolean
  #allowed: AddressRanges
  readonly #trusted: Set<string>
  readonly #resolve: (host: string) => Promise<Address[]>

  constructor({ privateNetworks, trusted, isAdjustable = false, resolve = resolveAll }: OutboundGuardOptions) {
    this.#isAdjustable = isAdjustable
    this.#configured = privateNetworks
    this.#allowed = rangesOf(privateNetworks)
    this.#trusted = new Set(trusted.map(place => place.toLowerCase()))
    this.#resolve = resolve
  }

  /** Sets the ranges allowed in addition to the configured ones. */
  allow(networks: readonly string[]): void {
    this.#allowed = rangesOf([...this.#configured, ...networks])
  }

  /** Trusts a server of ours on this machine. */
  trust(host: string, port: number): void {
    this.#trusted.add(`${host}:${port}`)
  }

  distrust(host: string, port: number): void {
    this.#trusted.delete(`${host}:${port}`)
  }

  /** Returns a verdict for each address of a server, to explain rejections. `check` decides whether to connect. */
  async look(host: string, port: number): Promise<JudgedAddress[]> {
    const { isTrusted, addresses } = await this.#find(host, port)
    return addresses.map(({ address, family }) => {
      const isForbidden = judgeAddress(address) === 'forbidden'
      const isClosed = !isTrusted && closedPlaces(address, this.#allowed).length > 0
      return { address, family, verdict: isForbidden ? 'forbidden' : isClosed ? 'private' : 'allowed' }
    })
  }

  /**
   * Returns the checked addresses of a server; a single bad one rejects the name, since it could be used next.
   * @param resolve Replaces the operating system's resolver.
   * @throws Problem `address_refused`, or the resolver's error
   */
  async check(host: string, port: number | undefined, resolve = this.#resolve): Promise<Address[]> {
    const { name, isTrusted, addresses } = await this.#find(host, port, resolve)
    const closed: string[] = []
    for (const { address } of addresses) {
      if (judgeAddress(address) === 'forbidden') throw forbidden(name, address)
      if (!isTrusted) closed.push(...closedPlaces(address, this.#allowed))
    }
    if (closed.length > 0) {
      const isConfigured = this.#configured.length > 0
      throw closedNetwork(name, { addresses: closed, isConfigured, isAdjustable: this.#isAdjustable })
    }
    return addresses
  }

  async #find(host: string, port: number | undefined, resolve = this.#resolve): Promise<Found> {
    const name = host.toLowerCase().replace(/^\[|\]$/g, '')
    const isTrusted = this.#trusted.has(name) || (port !== undefined && this.#trusted.has(`${name}:${port}`))
    const family = isIP(name)
    const addresses: Address[] = family === 0 ? await resolve(name) : [{ address: name, family: family === 6 ? 6 : 4 }]
    return { name, isTrusted, addresses }
  }
}

interface Found {
  name: string
  /** Whether the operator configured it. */
  isTrusted: boolean
  addresses: Address[]
}

/** Returns a look-up function for `net.connect` that uses checked addresses, without another DNS query. */
export function answerWith(addresses: readonly Address[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses
    if (options.all) done(null, [...addresses])
    else done(null, first?.address ?? '', first?.family)
  }
}

async function resolveAll(host: string): Promise<Address[]> {
  const found = await lookup(host, { all: true, verbatim: false })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

function forbidden(name: string, address: string): Problem {
  const detail = `${placeOf(name, address)} is an address that RustyMail never connects to.`
  return new Problem('address_refused', detail, { fault: 'forbidden_address' })
}

interface ClosedOptions {
  addresses: readonly string[]
  isConfigured: boolean
  isAdjustable: boolean
}

/**
 * Builds the problem, with the networks to allow for all addresses; the configured value is not revealed to callers.
 */
function closedNetwork(name: string, { addresses, isConfigured, isAdjustable }: ClosedOptions): Problem {
  const [first = ''] = addresses
  const networks = rangesFor(addresses.map(address => canonicalRange(address)))
  const around = rangesFor(addresses.map(networkAround)).join(',')
  const setting = isConfigured ? undefined : `RUSTYMAIL_PRIVATE_NETWORKS=${around}`
  const what = isOwn(first) ? 'is this machine' : 'is on a private network'
  const where = setting ?? `${around} in RUSTYMAIL_PRIVATE_NETWORKS`
  const when = isAdjustable ? `when an administrator allows it, or ${where} does` : `with ${where}`
  const detail = `${placeOf(name, first)} ${what}. RustyMail connects there only ${when}.`
  return new Problem('address_refused', detail, {
    fault: 'private_network',
    ...(isAdjustable ? { networks } : {}),
    ...(setting ? { setting } : {}),
  })
}

function rangesFor(ranges: readonly (string | undefined)[]): string[] {
  return [...new Set(ranges.filter(range => range !== undefined))].slice(0, maxNetworks)
}

function placeOf(name: string, address: string): string {
  return name === address ? name : `${name} (${address})`
}

function isOwn(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
