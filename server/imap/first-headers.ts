/** Where a header stands several times that may stand once, servers answer the last one, or all of them together: the first one counts. */
import { decodeWords } from '../reading/encoded-words.ts'
import { oneLine } from '../reading/stranger-text.ts'
import { readFields } from './auth-header.ts'
import type { MessageContent, MessageHeader } from './mail-gateway.ts'

/** RFC 5322, section 3.6: those that tell who writes of what. */
const onlyOnce = ['from', 'sender', 'reply-to', 'to', 'cc', 'subject', 'date'] as const
type OnlyOnce = (typeof onlyOnce)[number]
const lists = { from: 'from', sender: 'sender', 'reply-to': 'replyTo', to: 'to', cc: 'cc' } as const

/** What a list shows of them. */
export const listedHeaders = ['from', 'to', 'subject'] as const

/** The message with the first of each, and the fault that says so. */
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

/** The same of a row of a list. @param head Its `listedHeaders`, as they stand in the message. */
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

/** Those of all that the server told which stand in the first header. */
function firstOf(told: MessageHeader['from'], value: string): MessageHeader['from'] {
  const first = told.filter(({ email }) => email !== '' && value.toLowerCase().includes(email.toLowerCase()))
  return first.length > 0 ? first : addressesIn(value)
}

/** Where the server told of none of them. */
function addressesIn(value: string): MessageContent['from'] {
  const found = value.match(/[^\s<>,;:"()]{1,64}@[^\s<>,;:"()]{1,253}/g) ?? []
  return found.slice(0, 100).map(email => ({ name: null, email }))
}

function timeOf(value: string): string | null {
  const date = new Date(value.replaceAll(/\([^()]*\)/g, ' '))
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString()
  return /^\d{4}-/.test(text) ? text : null
}
