/**
 * Connects to servers that people name. A name is resolved once, every address is judged, and the connection goes to one that was
 * judged: so no second answer of the name server can lead elsewhere (DNS rebinding).
 */
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { AddressRanges } from './address-range.ts'
import { judgeAddress, rangesOf } from './outbound-rules.ts'
import { Problem } from './problem.ts'

export interface Address {
  address: string
  family: 4 | 6
}

export interface OutboundGuardOptions {
  /** Ranges of inner addresses that people may name. */
  privateNetworks: readonly string[]
  /** `host` or `host:port` that RustyMail's own operator named: judged only against what is always forbidden. */
  trusted: readonly string[]
  /** All addresses of a name; only tests give another. */
  resolve?: (host: string) => Promise<Address[]>
}

export class OutboundGuard {
  readonly #allowed: AddressRanges
  readonly #trusted: Set<string>
  readonly #resolve: (host: string) => Promise<Address[]>

  constructor({ privateNetworks, trusted, resolve = resolveAll }: OutboundGuardOptions) {
    this.#allowed = rangesOf(privateNetworks)
    this.#trusted = new Set(trusted.map(place => place.toLowerCase()))
    this.#resolve = resolve
  }

  /** A server of our own, on this machine. */
  trust(host: string, port: number): void {
    this.#trusted.add(`${host}:${port}`)
  }

  distrust(host: string, port: number): void {
    this.#trusted.delete(`${host}:${port}`)
  }

  /**
   * The addresses of a server, all of them judged; one bad one refuses the name, since it could be the next answer.
   * @throws Problem address_refused, or the fault of the name server.
   */
  async check(host: string, port: number | undefined): Promise<Address[]> {
    const name = host.toLowerCase().replace(/^\[|\]$/g, '')
    const isTrusted = this.#trusted.has(name) || (port !== undefined && this.#trusted.has(`${name}:${port}`))
    const family = isIP(name)
    const addresses =
      family === 0 ? await this.#resolve(name) : [{ address: name, family: family === 6 ? 6 : 4 } as const]
    for (const { address } of addresses) {
      const verdict = judgeAddress(address, this.#allowed)
      if (verdict === 'open' || (verdict === 'inner' && isTrusted)) continue
      throw refusal(name, address, verdict)
    }
    return addresses
  }
}

/** For `net.connect`: goes where was judged, and asks no name server again. */
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

function refusal(name: string, address: string, verdict: 'inner' | 'forbidden'): Problem {
  const where = name === address ? name : `${name} (${address})`
  const why =
    verdict === 'inner'
      ? `${where} is inside a private network. Who runs RustyMail can allow that with RUSTYMAIL_PRIVATE_NETWORKS.`
      : `${where} is an address that RustyMail never connects to.`
  return new Problem('address_refused', why, { fault: 'refused' })
}
