/** Reads header fields as they stand in a message, and what an Authentication-Results field says (RFC 8601, section 2.2). Strangers may have written either. */

export interface HeaderField {
  /** In small letters. */
  name: string
  /** On one line. */
  value: string
}

export interface AuthClaim {
  /** `spf`, `dkim`, `dmarc` … */
  method: string
  result: string
  /** `header.from`, `smtp.mailfrom` …, in small letters. */
  properties: ReadonlyMap<string, string>
}

export interface AuthField {
  /** The authserv-id; undefined where the field names none, as Microsoft's does. */
  serverId: string | undefined
  claims: AuthClaim[]
}

/** What is looked at. */
const maxFields = 200
const maxClaims = 50
const maxValue = 8192

/** @param head The beginning of a message; a field that the end cuts off is left out. */
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

export function readAuthField(value: string): AuthField {
  const [first = [], ...others] = statementsOf(value)
  const namesServer = first.length > 0 && !first.some(word => word.includes('='))
  const statements = namesServer ? others : [first, ...others]
  const claims = statements.slice(0, maxClaims).map(claimOf)
  return {
    serverId: namesServer ? first[0]?.toLowerCase() : undefined,
    claims: claims.filter(claim => claim !== undefined),
  }
}

function claimOf(words: string[]): AuthClaim | undefined {
  const [first = '', ...others] = words
  // A version may stand behind the method: `dkim/1=pass`.
  const [, method, result] = /^([a-z0-9-]{1,40})(?:\/\d{1,3})?=([a-z]{1,20})$/i.exec(first) ?? []
  if (method === undefined || result === undefined) return undefined
  const properties = others
    .map(word => /^((?:smtp|header|body|policy)\.[a-z0-9-]{1,40})=([\s\S]*)$/i.exec(word))
    .filter(match => match !== null)
    .map(([, name = '', content = '']) => [name.toLowerCase(), content] as const)
  // Of two of one name the first counts.
  return { method: method.toLowerCase(), result: result.toLowerCase(), properties: new Map(properties.reverse()) }
}

/** Words between semicolons, without comments; what stands in quotes is part of a word, and blanks around `=` and `/` are none. */
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

/** In a comment servers repeat what a stranger called himself: a parenthesis that stands in quotes there ends nothing. */
function endOfQuote(value: string, begin: number): number {
  const { end } = quotedAt(value, begin)
  return end < value.length ? end : begin
}

/** Whether the blanks here stand beside an equals sign or a slash. */
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
    // What is quoted must not be taken for signs of the grammar.
    words += letter === '\\' ? (value[++index] ?? '') : letter
  }
  return { words, end: value.length }
}
