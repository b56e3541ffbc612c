/** Which of the series that are counted over the whole server can be told to callers that do not see all accounts. */
import { facts } from '../../contract/event.ts'

/**
 * Operations of these areas concern no account. What is asked of accounts, of mail, and of anything that is not named here
 * would tell of accounts by how often and with which status it was answered.
 */
const areas: ReadonlySet<string> = new Set([
  'access',
  'assistant',
  'audit',
  'clients',
  'events',
  'metrics',
  'profile',
  'system',
  'tokens',
  'users',
])

/** How many facts there were of accounts tells of accounts; states are told as often as anybody does anything. */
const types: ReadonlySet<string> = new Set(
  Object.entries(facts).flatMap(([type, { data }]) => ('account_id' in data.shape ? [] : [type])),
)

/** @param text Families whose series have the label `operation` or `type`; a series with neither is left out. */
export function onlyTold(text: string): string {
  const lines = text.split('\n')
  return lines.filter(line => line === '' || line.startsWith('#') || isTold(line)).join('\n')
}

function isTold(line: string): boolean {
  const [, label, value = ''] = /[{,](operation|type)="(\w+)/.exec(line) ?? []
  return label === 'operation' ? areas.has(value) : types.has(value)
}
