/** Labels of the configuration fields; their limits and other texts come from the contract. */
import schema from '../../contract/ImapConfiguration.schema'
import type { ImapConfiguration } from '../../contract/settings.ts'

export type FieldName = keyof ImapConfiguration

export interface ConfigurationField {
  name: FieldName
  label: string
  hint: string
  unit?: string
  /** The effect of applying a change. */
  effect: string
}

export const serverFields: readonly ConfigurationField[] = [
  {
    name: 'server_address',
    label: 'Server',
    hint: 'Host name or IP address.',
    effect: 'The default account reconnects to the new server.',
  },
  {
    name: 'port',
    label: 'Port',
    hint: 'Usually 993, or 143 with STARTTLS.',
    effect: 'The default account reconnects.',
  },
  {
    name: 'use_ssl',
    label: 'Implicit TLS',
    hint: 'Off: STARTTLS, which must succeed. Unencrypted only to this machine.',
    effect: 'The default account reconnects.',
  },
]

export const limitFields: readonly ConfigurationField[] = [
  {
    name: 'connection_timeout_seconds',
    label: 'Timeout',
    hint: 'How long to wait for a mail server to respond.',
    unit: 'seconds',
    effect: 'Applies to new connections.',
  },
  {
    name: 'max_connections',
    label: 'Connections in total',
    hint: 'IMAP connections of all accounts together, including those that watch for new mail.',
    effect: 'Takes effect immediately.',
  },
  {
    name: 'connection_pool_size',
    label: 'Command connections per account',
    hint: 'More connections serve more requests in parallel; many providers allow only a few.',
    effect: 'Takes effect immediately.',
  },
]

export const allFields: readonly ConfigurationField[] = [...serverFields, ...limitFields]

/** Returns the limits of a number, from the contract. */
export function limitsOf(name: FieldName): { min: number; max: number } | undefined {
  const { minimum, maximum } = schema.properties[name] ?? {}
  return minimum === undefined || maximum === undefined ? undefined : { min: minimum, max: maximum }
}

export function patternOf(name: FieldName): string | undefined {
  return schema.properties[name]?.pattern
}
