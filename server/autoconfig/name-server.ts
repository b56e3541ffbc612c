/**
 * Asks name servers for records and addresses. Unlike the look-up of the operating system it can be given up, and holds no thread of
 * Node's pool while a name server is silent; the file of hosts counts for nothing here.
 */
import { Resolver } from 'node:dns/promises'
import type { Address } from '../platform/network/outbound-guard.ts'

export interface SrvRecord {
  name: string
  port: number
  priority: number
  weight: number
}

/** Each answers with nothing where there is no such record, and throws `NameServerFault` when it is not known. */
export interface NameServer {
  services(name: string): Promise<SrvRecord[]>
  exchangers(domain: string): Promise<{ exchange: string; priority: number }[]>
  texts(name: string): Promise<string[]>
  addresses(host: string): Promise<Address[]>
  /** Ends what is under way. */
  cancel(): void
}

export class NameServerFault extends Error {
  override readonly name = 'NameServerFault'
}

/** The first try; the second has twice as long. */
const tryMs = 1_200
const tries = 2
/** Of one answer; no domain needs more. */
const mostRecords = 20
const noSuchRecord = ['ENOTFOUND', 'ENODATA']

/** @param servers In place of those of the operating system, such as `127.0.0.1:5353`. */
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
      // One family is enough; that the other is not known is said only when there is none.
      if (found.length === 0 && four.status === 'rejected') throw four.reason
      if (found.length === 0 && six.status === 'rejected') throw six.reason
      return found
    },
    cancel: () => resolver.cancel(),
  }
}
