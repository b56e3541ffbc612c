/** SRV records of mail servers (RFC 6186, RFC 8314): of each service the one that is to be asked first. */
import type { NameServer, SrvRecord } from './name-server.ts'
import type { OfferedServer } from './offered-servers.ts'

const services = [
  { label: '_imaps._tcp', kind: 'imap', security: 'implicit' },
  { label: '_imap._tcp', kind: 'imap', security: 'starttls' },
  { label: '_submissions._tcp', kind: 'smtp', security: 'implicit' },
  { label: '_submission._tcp', kind: 'smtp', security: 'starttls' },
] as const

export interface ServiceOffers {
  offers: OfferedServer[]
  /** A record says that a service is not there. */
  isDeclined: boolean
}

export async function srvOffers(names: Pick<NameServer, 'services'>, domain: string): Promise<ServiceOffers> {
  const answers = await Promise.all(services.map(({ label }) => names.services(`${label}.${domain}`)))
  const offers = services.flatMap(({ kind, security }, index): OfferedServer[] => {
    const record = firstOf(answers[index]!)
    return record ? [{ kind, security, host: record.name, port: record.port, auth: [] }] : []
  })
  return { offers, isDeclined: answers.flat().some(({ name }) => isNowhere(name)) }
}

/** Lowest priority first, then the heaviest: there is one user to direct, not a load to spread. A target of `.` says that there is none. */
function firstOf(records: readonly SrvRecord[]): SrvRecord | undefined {
  return records
    .filter(({ name }) => !isNowhere(name))
    .toSorted((one, other) => one.priority - other.priority || other.weight - one.weight)[0]
}

function isNowhere(name: string): boolean {
  return name === '' || name === '.'
}
