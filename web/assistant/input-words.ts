/** A tool's input in words for the user who decides, and exactly as it would be run. */
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import { formatCount } from '../platform/format.ts'

export interface InputLine {
  label: string
  value: string
  isLong: boolean
}

/** Labels of fields in reading order. Values that do not fit on one line are left to the exact input. */
const labels: Readonly<Record<string, string>> = {
  account: 'Account',
  account_id: 'Account',
  from: 'From',
  to: 'To',
  cc: 'Cc',
  bcc: 'Bcc',
  subject: 'Subject',
  body: 'Text',
  text: 'Text',
  at: 'When',
  folder: 'Folder',
  refs: 'Messages',
  ids: 'Messages',
  message_ids: 'Messages',
  ref: 'Message',
  message_id: 'Message',
  thread_id: 'Conversation',
  draft: 'Draft',
  draft_id: 'Draft',
  rev: 'Revision',
  mode: 'Kind',
  add: 'Add',
  remove: 'Remove',
}
const counted: readonly string[] = ['refs', 'ids', 'message_ids']
const longText: readonly string[] = ['body', 'text']

/** Returns the input as lines; `isWhole` if they leave nothing out. */
export function linesOfInput(input: unknown): { lines: InputLine[]; isWhole: boolean } {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return { lines: [], isWhole: false }
  const entries = Object.entries(input).filter(([, value]) => value !== undefined && value !== null)
  const lines = Object.keys(labels).flatMap(name => {
    const found = entries.find(([key]) => key === name)
    const line = found && lineOf(name, found[1])
    return line ? [line] : []
  })
  const isWhole = lines.length === entries.length && !entries.some(([name]) => counted.includes(name))
  return { lines, isWhole }
}

function lineOf(name: string, value: unknown): InputLine | undefined {
  const text = wordsOf(name, value)
  // `to` is a folder for moves, and a list of people for mail.
  const label = name === 'to' && typeof value === 'string' && !value.includes('@') ? 'Folder' : labels[name]
  return text === undefined || label === undefined ? undefined : { label, value: text, isLong: longText.includes(name) }
}

function wordsOf(name: string, value: unknown): string | undefined {
  if (typeof value === 'string') return showHidden(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!Array.isArray(value)) return undefined
  if (counted.includes(name)) return formatCount(value.length, 'message')
  const words = value.map(personOf)
  return words.every(each => each !== undefined) ? showHidden(words.join(', ')) : undefined
}

function personOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  const { name, email, ...others } = value as Record<string, unknown>
  if (typeof email !== 'string' || Object.keys(others).length > 0) return undefined
  if (!name) return `<${email}>`
  // Quotes a name that could pass for an address or for another recipient.
  const text = String(name)
  return `${/[<>@,;"]/.test(text) ? JSON.stringify(text) : text} <${email}>`
}

/** Returns what was searched for on one line: its words, without numbers and lists. */
export function briefInput(input: unknown): string {
  if (typeof input !== 'object' || input === null) return ''
  const words = Object.values(input).filter(value => typeof value === 'string')
  return words.join(' · ').slice(0, 200)
}

/** Formats the input as JSON with invisible characters escaped. */
export function exactInput(input: unknown): string {
  return showHidden(typeof input === 'string' ? input : (JSON.stringify(input, null, 2) ?? ''))
}

const hidden = new RegExp(hiddenCharacter, 'gu')

/** Escapes invisible characters; line breaks and tabs stay. */
export function showHidden(text: string): string {
  return text.replaceAll(hidden, found =>
    /[\n\t]/.test(found) ? found : `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`,
  )
}
