/** The fields of the configuration in words; their limits and further words come from the contract. */
import schema from '../../contract/ImapConfiguration.schema'
import type { ImapConfiguration } from '../../contract/settings.ts'

export type FieldName = keyof ImapConfiguration

export interface ConfigurationField {
  name: FieldName
  label: string
  hint: string
  unit?: string
  /** What applying a change does. */
  effect: string
}

export const serverFields: readonly ConfigurationField[] = [
  {
    name: 'server_address',
    label: 'Server',
    hint: 'Its name or address.',
    effect: 'The default account connects to the new server.',
  },
  {
    name: 'port',
    label: 'Port',
    hint: 'Mostly 993, or 143 with STARTTLS.',
    effect: 'The default account connects again.',
  },
  {
    name: 'use_ssl',
    label: 'Implicit TLS',
    hint: 'Off: STARTTLS, which must succeed. No TLS at all only to this machine itself.',
    effect: 'The default account connects again.',
  },
]

export const limitFields: readonly ConfigurationField[] = [
  {
    name: 'connection_timeout_seconds',
    label: 'Time limit',
    hint: 'How long a mail server may take to answer.',
    unit: 'seconds',
    effect: 'Holds from the next connection on.',
  },
  {
    name: 'max_connections',
    label: 'Connections of the whole server',
    hint: 'IMAP connections of all accounts together, those that watch for new mail included.',
    effect: 'Holds at once.',
  },
  {
    name: 'connection_pool_size',
    label: 'Command connections of one account',
    hint: 'More serve more requests at once; many providers allow only few.',
    effect: 'Holds at once.',
  },
]

export const allFields: readonly ConfigurationField[] = [...serverFields, ...limitFields]

/** The limits of a number, from the contract. */
export function limitsOf(name: FieldName): { min: number; max: number } | undefined {
  const { minimum, maximum } = schema.properties[name] ?? {}
  return minimum === undefined || maximum === undefined ? undefined : { min: minimum, max: maximum }
}

export function patternOf(name: FieldName): string | undefined {
  return schema.properties[name]?.pattern
}
