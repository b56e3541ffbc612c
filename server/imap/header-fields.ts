/** Parses raw header fields and Authentication-Results (RFC 8601, section 2.2). Strangers may have written either. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { decodeWords } from '../reading/encoded-words.ts'
import { oneLine } from '../reading/stranger-text.ts'
import type { MessageContent, MessageHeader } from './mail-gateway.ts'

export interface HeaderField {
  /** Lower-case field name. */
  name: string
  /** The value, unfolded to one line. */
  value: string
}

export interface AuthClaim {
  /** The method: `spf`, `dkim`, `dmarc` … */
  method: string
  result: string
  /** Values by lower-case name: `header.from`, `smtp.mailfrom` … */
  properties: ReadonlyMap<string, string>
}

export interface AuthField {
  /** The authserv-id; undefined where the field names none, as Microsoft's does. */
  serverId: string | undefined
  claims: AuthClaim[]
}

/** Fields of a message, claims of a field and characters of a value that are parsed; the rest is ignored. */
const [maxFields, maxClaims, maxValue] = [200, 50, 8192]

/** Splits a header block into fields. @param head The beginning of a message; a field cut off by its end is dropped. */
export function readFields(head: string): HeaderField[] {
  const isCut = !/\r?\n\r?\n/.test(head)
  const [block = ''] = head.split(/\r?\n\r?\n/, 1)
  const lines = block.split(/\r?\n/)
  const fields: { name: string; parts: string[] }[] = []
  for (const line of lines) {
    const [, name] = /^([!-9;-~]{1,80})[ \t]{0,10}:/.exec(line) ?? []
    if (name !== undefined && fields.length === maxFields) break
    if (name !== undefined) fields.push({ name: name.toLowerCase(), parts: [line.slice(line.indexOf(':') + 1)] })
    else if (/^[ \t]/.test(line)) fields.at(-1)?.parts.push(line)
  }
  if (isCut) fields.pop()
  return fields.map(({ name, parts }) => ({ name, value: parts.join(' ').slice(0, maxValue).trim() }))
}

/** Whether `readFields` returns all fields of the message. */
export function isWholeHead(head: string): boolean {
  return /\r?\n\r?\n/.test(head) && readFields(head).length < maxFields
}

export function readAuthField(value: string): AuthField {
  const [first = [], ...others] = statementsOf(value)
  const namesServer = first.length > 0 && !first.some(word => word.includes('='))
  const statements = namesServer ? others : [first, ...others]
  const claims = statements.slice(0, maxClaims).map(claimOf)
  return {
    serverId: namesServer ? lowerAscii(first[0] ?? '') : undefined,
    claims: claims.filter(claim => claim !== undefined),
  }
}

function claimOf(words: string[]): AuthClaim | undefined {
  const [first = '', ...others] = words
  // The method may carry a version: `dkim/1=pass`.
  const [, method, result] = /^([a-z0-9-]{1,40})(?:\/\d{1,3})?=([a-z]{1,20})$/i.exec(first) ?? []
  if (method === undefined || result === undefined) return undefined
  const properties = others
    .map(word => /^((?:smtp|header|body|policy)\.[a-z0-9-]{1,40})=([\s\S]*)$/i.exec(word))
    .filter(match => match !== null)
    .map(([, name = '', content = '']) => [name.toLowerCase(), content] as const)
  // The first of several properties with the same name wins.
  return { method: method.toLowerCase(), result: result.toLowerCase(), properties: new Map(properties.reverse()) }
}

/** Splits at semicolons into words, without comments; quoted text joins its word, blanks around `=` and `/` go. */
function statementsOf(value: string): string[][] {
  const statements: string[][] = [[]]
  let word = ''
  let depth = 0
  const endWord = () => {
    if (word !== '') statements.at(-1)?.push(word)
    word = ''
  }
  for (let index = 0; index < value.length; index++) {
    const letter = value[index]!
    if (letter === '\\' && depth > 0) index++
    else if (letter === '"' && depth > 0) index = endOfQuote(value, index)
    else if (letter === '(') depth++
    else if (letter === ')') depth = Math.max(0, depth - 1)
    else if (depth > 0) continue
    else if (letter === '"') {
      const { words, end } = quotedAt(value, index)
      word += words
      index = end
    } else if (letter === ';') {
      endWord()
      statements.push([])
    } else if (!/\s/.test(letter)) word += letter
    else if (!isJoined(value, index, word)) endWord()
  }
  endWord()
  return statements
}

/** Servers repeat a stranger's self-chosen name in comments: a quoted parenthesis there does not close the comment. */
function endOfQuote(value: string, begin: number): number {
  const { end } = quotedAt(value, begin)
  return end < value.length ? end : begin
}

/** True when the blanks here are next to an equals sign or a slash. */
function isJoined(value: string, index: number, word: string): boolean {
  return /[=/]$/.test(word.slice(-1)) || /[=/]/.test(nextLetter(value, index))
}

function nextLetter(value: string, index: number): string {
  for (let at = index; at < Math.min(value.length, index + 100); at++) if (!/\s/.test(value[at]!)) return value[at]!
  return ''
}

function quotedAt(value: string, begin: number): { words: string; end: number } {
  let words = ''
  for (let index = begin + 1; index < value.length; index++) {
    const letter = value[index]!
    if (letter === '"') return { words, end: index }
    // Quoted characters must not be parsed as syntax.
    words += letter === '\\' ? (value[++index] ?? '') : letter
  }
  return { words, end: value.length }
}

/**
 * Headers that RFC 5322, section 3.6, allows once and that say who writes about what. Of repeated ones servers report
 * the last or all combined; the first one counts here.
 */
const onlyOnce = ['from', 'sender', 'reply-to', 'to', 'cc', 'subject', 'date'] as const
type OnlyOnce = (typeof onlyOnce)[number]
const lists = { from: 'from', sender: 'sender', 'reply-to': 'replyTo', to: 'to', cc: 'cc' } as const

/** The headers among them that a list shows. */
export const listedHeaders = ['from', 'to', 'subject'] as const

/** Replaces repeated headers by the first of each, and adds the fault `repeated_headers`. */
export async function withFirstHeaders(content: MessageContent): Promise<MessageContent> {
  const fields = readFields(content.head)
  const repeated = repeatedOf(fields)
  if (repeated.length === 0) return content
  const told: MessageContent = {
    ...content,
    faults: [...content.faults, 'repeated_headers'],
    isFromRepeated: repeated.includes('from'),
  }
  for (const name of repeated) await takeFirst(told, name, fields.find(field => field.name === name)?.value ?? '')
  return { ...told, fromCount: told.from.length }
}

const listedHeader = /^(from|to|subject)[ \t]{0,10}:/gim

/** Cheap check, without parsing, whether `withFirstListed` may change anything; false for almost every message. */
export function mayRepeat(head: string): boolean {
  const seen = new Set<string>()
  for (const [, name = ''] of head.matchAll(listedHeader)) {
    const known = seen.size
    if (seen.add(name.toLowerCase()).size === known) return true
  }
  return false
}

/** Does what `withFirstHeaders` does, for a row of a list. @param head The raw `listedHeaders` of the message. */
export async function withFirstListed(header: MessageHeader, head: string): Promise<MessageHeader> {
  const fields = readFields(head)
  const repeated = repeatedOf(fields).filter(name => name === 'from' || name === 'to' || name === 'subject')
  if (repeated.length === 0) return header
  const told: MessageHeader = { ...header, faults: [...header.faults, 'repeated_headers'] }
  for (const name of repeated) {
    const value = fields.find(field => field.name === name)?.value ?? ''
    if (name === 'subject') told.subject = oneLine(await decodeWords(value))
    else {
      told[name] = firstOf(told[name], value)
      told[`${name}Count`] = told[name].length
    }
  }
  return told
}

function repeatedOf(fields: ReturnType<typeof readFields>): OnlyOnce[] {
  return onlyOnce.filter(once => fields.filter(({ name }) => name === once).length > 1)
}

async function takeFirst(told: MessageContent, name: OnlyOnce, value: string): Promise<void> {
  if (name === 'subject') told.subject = oneLine(await decodeWords(value))
  else if (name === 'date') told.sentAt = timeOf(value)
  else {
    const list = lists[name]
    told[list] = firstOf(told[list], value)
  }
}

/** Keeps the addresses reported by the server that occur in the first header. */
function firstOf(told: MessageHeader['from'], value: string): MessageHeader['from'] {
  const first = told.filter(({ email }) => email !== '' && lowerAscii(value).includes(lowerAscii(email)))
  return first.length > 0 ? first : addressesIn(value)
}

/** Fallback for when the server reported none of the first header's addresses. */
function addressesIn(value: string): MessageContent['from'] {
  const found = value.match(/[^\s<>,;:"()]{1,64}@[^\s<>,;:"()]{1,253}/g) ?? []
  return found.slice(0, 100).map(email => ({ name: null, email }))
}

function timeOf(value: string): string | null {
  const date = new Date(value.replaceAll(/\([^()]*\)/g, ' '))
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString()
  return /^\d{4}-/.test(text) ? text : null
}
