/** Edits of the configuration: the merged result, validation errors, and differences. */
import type { ImapConfiguration } from '../../contract/settings.ts'
import { allFields, type FieldName, limitsOf, patternOf, serverFields } from './configuration-fields.ts'

/** Only edited fields, numbers as typed; all others follow the server. */
export type Edits = Partial<Record<FieldName, string | boolean>>

export interface Difference {
  name: FieldName
  before: string
  after: string
}

/** A field that was changed elsewhere while it could be edited here. */
export interface ForeignChange {
  name: FieldName
  before: string
  after: string
  /** Whether it is edited here, too, so that applying would overwrite the other change. */
  isEdited: boolean
}

export function shownText(config: ImapConfiguration, edits: Edits, name: FieldName): string {
  return String(edits[name] ?? config[name])
}

export function isTlsOn(config: ImapConfiguration, edits: Edits): boolean {
  return typeof edits.use_ssl === 'boolean' ? edits.use_ssl : config.use_ssl
}

/** Switches TLS, and the port with it if it is one of the two usual ones. */
export function withTls(config: ImapConfiguration, edits: Edits, isOn: boolean): Edits {
  const port = shownText(config, edits, 'port')
  const [usual, next] = isOn ? ['143', '993'] : ['993', '143']
  return { ...edits, use_ssl: isOn, ...(port === usual ? { port: next } : {}) }
}

export function configOf(config: ImapConfiguration, edits: Edits): ImapConfiguration {
  const numberOf = (name: FieldName) => Number(shownText(config, edits, name).trim())
  return {
    server_address: shownText(config, edits, 'server_address').trim(),
    port: numberOf('port'),
    use_ssl: isTlsOn(config, edits),
    connection_timeout_seconds: numberOf('connection_timeout_seconds'),
    max_connections: numberOf('max_connections'),
    connection_pool_size: numberOf('connection_pool_size'),
  }
}

/** Returns errors by field, as the contract defines them. */
export function faultsOf(config: ImapConfiguration, edits: Edits): Partial<Record<FieldName, string>> {
  const faults: Partial<Record<FieldName, string>> = {}
  for (const { name } of allFields) {
    const fault = faultOf(name, shownText(config, edits, name).trim())
    if (fault) faults[name] = fault
  }
  if (faults.max_connections || faults.connection_pool_size) return faults
  const { max_connections: most, connection_pool_size: pool } = configOf(config, edits)
  if (most < pool + 1)
    faults.max_connections = `At least ${pool + 1}: one account's command connections and its watching one`
  return faults
}

export function differencesOf(config: ImapConfiguration, edits: Edits): Difference[] {
  const fields = allFields.filter(({ name }) => !isSame(name, config, edits))
  return fields.map(({ name }) => ({
    name,
    before: spoken(config[name]),
    after: name === 'use_ssl' ? spoken(isTlsOn(config, edits)) : shownText(config, edits, name).trim() || 'empty',
  }))
}

/** Drops edits that equal the server's values. */
export function withoutIdle(config: ImapConfiguration, edits: Edits): Edits {
  return Object.fromEntries(Object.entries(edits).filter(([name]) => !isSame(name as FieldName, config, edits)))
}

export function foreignChanges(seen: ImapConfiguration, now: ImapConfiguration, edits: Edits): ForeignChange[] {
  return allFields
    .filter(({ name }) => seen[name] !== now[name])
    .map(({ name }) => ({ name, before: spoken(seen[name]), after: spoken(now[name]), isEdited: name in edits }))
}

/** Returns whether a change needs the server to be tested; limits do not. */
export function touchesServer(differences: readonly Difference[]): boolean {
  return differences.some(difference => serverFields.some(({ name }) => name === difference.name))
}

function isSame(name: FieldName, config: ImapConfiguration, edits: Edits): boolean {
  return edits[name] === undefined || String(edits[name]).trim() === String(config[name])
}

function faultOf(name: FieldName, text: string): string | undefined {
  const limits = limitsOf(name)
  if (limits) {
    const isInside = /^\d+$/.test(text) && Number(text) >= limits.min && Number(text) <= limits.max
    return isInside ? undefined : `Enter a whole number from ${limits.min} to ${limits.max}`
  }
  const pattern = patternOf(name)
  if (pattern && !new RegExp(pattern).test(text)) return 'Enter a host name or address'
  return undefined
}

function spoken(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return String(value)
}
