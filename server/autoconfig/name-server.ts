/**
 * Queries name servers for records and addresses. Unlike the operating system's look-up it can be cancelled, and does
 * not block a thread of Node's pool while a name server is silent; the hosts file is ignored.
 */
import { Resolver } from 'node:dns/promises'
import type { Address } from '../platform/network/outbound-guard.ts'

export interface SrvRecord {
  name: string
  port: number
  priority: number
  weight: number
}

/** Each method returns an empty list if there is no such record, and throws `NameServerFault` if that is unknown. */
export interface NameServer {
  services(name: string): Promise<SrvRecord[]>
  exchangers(domain: string): Promise<{ exchange: string; priority: number }[]>
  texts(name: string): Promise<string[]>
  addresses(host: string): Promise<Address[]>
  /** Cancels queries in flight. */
  cancel(): void
}

export class NameServerFault extends Error {
  override readonly name = 'NameServerFault'
}

/** Timeout of the first try in ms; the second has twice as long. */
const tryMs = 1_200
const tries = 2
/** Upper bound of records in one answer; no domain needs more. */
const mostRecords = 20
const noSuchRecord = ['ENOTFOUND', 'ENODATA']

/** @param servers Replace those of the operating system, such as `127.0.0.1:5353`. */
export function createNameServer(servers?: readonly string[]): NameServer {
  const resolver = new Resolver({ timeout: tryMs, tries })
  if (servers) resolver.setServers(servers)
  const ask = async <Answer>(asked: Promise<Answer[]>): Promise<Answer[]> => {
    try {
      return (await asked).slice(0, mostRecords)
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      if (noSuchRecord.includes(code)) return []
      throw new NameServerFault(code === 'ETIMEOUT' ? 'no answer in time' : code, { cause: error })
    }
  }
  return {
    services: name => ask(resolver.resolveSrv(name)),
    exchangers: domain => ask(resolver.resolveMx(domain)),
    texts: async name => (await ask(resolver.resolveTxt(name))).map(pieces => pieces.join('')),
    addresses: async host => {
      const families = [ask(resolver.resolve4(host)), ask(resolver.resolve6(host))] as const
      const [four, six] = await Promise.allSettled(families)
      const found: Address[] = [
        ...(four.status === 'fulfilled' ? four.value.map(address => ({ address, family: 4 as const })) : []),
        ...(six.status === 'fulfilled' ? six.value.map(address => ({ address, family: 6 as const })) : []),
      ]
      // One address family is enough; an error of the other is reported only if there is none.
      if (found.length === 0 && four.status === 'rejected') throw four.reason
      if (found.length === 0 && six.status === 'rejected') throw six.reason
      return found
    },
    cancel: () => resolver.cancel(),
  }
}
