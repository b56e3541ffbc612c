/**
 * Validation messages that replace zod's own, for `safeParse(value, { error: faultWords })`. A schema's own message
 * takes precedence.
 */
import type { z } from 'zod'

type Issue = z.core.$ZodRawIssue

const kinds: Record<string, string> = {
  ...{ string: 'a string', number: 'a number', int: 'a whole number', boolean: 'true or false', null: 'null' },
  ...{ object: 'an object', record: 'an object', array: 'an array', tuple: 'an array' },
}

const formats: Record<string, string> = {
  ...{ datetime: 'a time such as 2026-11-30T08:00:00Z', date: 'a day such as 2026-11-30', url: 'a URL' },
  ...{ email: 'an email address', base64: 'base64', base64url: 'base64url', uuid: 'a UUID', ipv4: 'an IPv4 address' },
}

/** Characters of a list of allowed values in a message; the rest is cut off. */
const maxListed = 220

export function faultWords(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${JSON.stringify(issue.values[0])}`
        : `must be one of: ${listed(issue.values.map(String))}`
    case 'unrecognized_keys':
      return unknownWords(issue)
    case 'too_small':
      return sizeWords(issue.origin, Number(issue.minimum), issue.inclusive === false ? 'more than' : 'at least')
    case 'too_big':
      return sizeWords(issue.origin, Number(issue.maximum), issue.inclusive === false ? 'less than' : 'at most')
    case 'invalid_format':
      return formatWords(issue)
    case 'invalid_union':
      return unionWords(issue)
    default:
      return undefined
  }
}

function unknownWords({ keys, inst }: Extract<Issue, { code: 'unrecognized_keys' }>): string {
  const { def } = (inst as z.core.$ZodTypes)._zod
  const known = def.type === 'object' ? Object.keys(def.shape) : []
  const unknown = keys.map(key => JSON.stringify(key)).join(', ')
  return `must not have ${unknown.slice(0, 60)}${known.length > 0 ? `; allowed: ${listed(known)}` : ''}`
}

function sizeWords(origin: string, bound: number, words: 'more than' | 'at least' | 'less than' | 'at most'): string {
  if (origin === 'number' || origin === 'int' || origin === 'bigint') return `must be ${words} ${bound}`
  if (words === 'at least' && bound === 1) return 'must not be empty'
  const unit = origin === 'string' ? 'character' : 'item'
  return `must have ${words} ${bound} ${unit}${bound === 1 ? '' : 's'}`
}

function formatWords(issue: Extract<Issue, { code: 'invalid_format' }>): string {
  if (issue.format === 'regex' && 'pattern' in issue) return `must match ${issue.pattern}`
  if (issue.format === 'starts_with' && 'prefix' in issue) return `must begin with ${issue.prefix}`
  return `must be ${formats[issue.format] ?? `in the form ${issue.format}`}`
}

/** Combines the first message of each option of a union; one about a nested field names it. */
function unionWords(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if (issue.input === undefined) return 'is required'
  if ('options' in issue && Array.isArray(issue.options)) return `must be one of: ${listed(issue.options.map(String))}`
  const firsts = issue.errors.flatMap(([first]) => (first ? [wordsInside(first)] : []))
  if (firsts.length === 0) return 'matches none of the allowed forms'
  return [...new Set(firsts)].join(', or ')
}

function wordsInside({ path, message }: { path: PropertyKey[]; message: string }): string {
  return path.length === 0 ? message : `its ${path.map(String).join('.')} ${message}`
}

function listed(all: readonly string[]): string {
  const text = all.join(', ')
  return text.length <= maxListed ? text : `${text.slice(0, text.lastIndexOf(', ', maxListed))}, …`
}
