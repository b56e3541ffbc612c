/**
 * The facts about machine and settings in diagnosis reports; they contain no personal data. A part of the composition
 * root.
 */
import { arch, platform, release } from 'node:os'
import type { PoolLimits } from '../contract/settings.ts'
import type { Config } from './config.ts'

type Facts = [name: string, value: string][]
/** The pool limits; `max_connections` is left out if it is the default for the accounts. */
type Limits = Omit<PoolLimits, 'max_connections'> & Partial<PoolLimits>

/**
 * Returns the facts as pairs of name and value.
 * @param limits Undefined if no database was read.
 */
export function reportFacts(config: Config, limits: Limits | undefined): Facts {
  return [...machineFacts(), ...settingFacts(config), ...(limits ? limitFacts(limits) : [])]
}

function machineFacts(): Facts {
  return [['Platform', `${platform()} ${release()}, ${arch()}, Node ${process.versions.node}`]]
}

function settingFacts({ databaseUrl, index, smtpConnections, privateNetworks }: Config): Facts {
  return [
    ['Database', databaseUrl.startsWith('sqlite:') ? 'SQLite' : 'PostgreSQL'],
    ['Index', index.level],
    ['SMTP connections', String(smtpConnections)],
    ['Private networks', privateNetworks.length === 0 ? 'none configured' : 'some configured'],
  ]
}

function limitFacts({ connection_pool_size, max_connections, connection_timeout_seconds }: Limits): Facts {
  return [
    ['Connections', `${connection_pool_size} an account, ${max_connections ?? 'as many as the accounts need'} in all`],
    ['Timeout', `${connection_timeout_seconds} s`],
  ]
}
