/** Maps flags of a message in a folder to columns: five for the flags that lists filter by, one for all others. */
import type { PlaceRow } from './index-tables.ts'

const system = { seen: '\\Seen', flagged: '\\Flagged', answered: '\\Answered', draft: '\\Draft', deleted: '\\Deleted' }
type SystemFlag = keyof typeof system
const names = Object.keys(system) as SystemFlag[]
/** Keywords stored per message and characters per keyword; further or longer ones are dropped. */
const [maxKeywords, maxLength] = [50, 100]

export const flagColumns = [...names, 'keywords_json'] as const
export type FlagColumns = Pick<PlaceRow, (typeof flagColumns)[number]>

/** Converts flags to columns; `\Recent` is dropped, since it belongs to a connection and not to the message. */
export function toColumns(flags: readonly string[]): FlagColumns {
  const lower = new Set(flags.map(flag => flag.toLowerCase()))
  const known = new Set(['\\recent', ...names.map(name => `\\${name}`)])
  const keywords = [...new Set(flags.filter(flag => !known.has(flag.toLowerCase()) && flag.length <= maxLength))]
  const has = (name: SystemFlag) => Number(lower.has(`\\${name}`))
  return {
    seen: has('seen'),
    flagged: has('flagged'),
    answered: has('answered'),
    draft: has('draft'),
    deleted: has('deleted'),
    keywords_json: keywords.length === 0 ? null : JSON.stringify(keywords.sort().slice(0, maxKeywords)),
  }
}

export function toFlags(columns: FlagColumns): string[] {
  const found = names.filter(name => columns[name] === 1).map(name => system[name])
  return columns.keywords_json === null ? found : [...found, ...(JSON.parse(columns.keywords_json) as string[])]
}

/** Adds and removes flags, compared case-insensitively. */
export function withFlags(flags: readonly string[], add: readonly string[], remove: readonly string[]): string[] {
  const lower = (all: readonly string[]) => new Set(all.map(flag => flag.toLowerCase()))
  const [removed, has] = [lower(remove), lower(flags)]
  return [...flags, ...add.filter(flag => !has.has(flag.toLowerCase()))].filter(
    flag => !removed.has(flag.toLowerCase()),
  )
}

export function areSame(one: FlagColumns, other: FlagColumns): boolean {
  return flagColumns.every(name => one[name] === other[name])
}
