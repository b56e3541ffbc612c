/** Evaluates a search term for an in-memory message: matches substrings, case-insensitively. */
import type { MessageContent } from '../mail-gateway.ts'
import type { SearchTerm } from '../search-term.ts'

export function holds(term: SearchTerm, message: MessageContent): boolean {
  switch (term.kind) {
    case 'and':
      return term.terms.every(each => holds(each, message))
    case 'or':
      return term.terms.some(each => holds(each, message))
    case 'not':
      return !holds(term.term, message)
    case 'text': {
      const body = term.inBody ? [message.text, message.html] : []
      return has(term.text, message.subject, ...addresses(message, 'from', 'to', 'cc'), ...body)
    }
    case 'to':
      return has(term.text, ...addresses(message, 'to', 'cc'))
    case 'from':
    case 'cc':
    case 'bcc':
      return has(term.text, ...addresses(message, term.kind))
    case 'subject':
      return has(term.text, message.subject)
    case 'body':
      return has(term.text, message.text, message.html)
    case 'flag':
      return message.flags.includes(term.flag) === term.isSet
    case 'keyword':
      return message.keywords.some(keyword => keyword.toLowerCase() === term.keyword.toLowerCase())
    case 'after':
      return message.date.slice(0, 10) >= term.day
    case 'before':
      return message.date.slice(0, 10) < term.day
    case 'larger':
      return message.sizeBytes > term.bytes
    case 'smaller':
      return message.sizeBytes < term.bytes
  }
}

function has(text: string, ...places: (string | null)[]): boolean {
  return places.some(place => place?.toLowerCase().includes(text.toLowerCase()))
}

function addresses(message: MessageContent, ...fields: ('from' | 'to' | 'cc' | 'bcc')[]): string[] {
  return fields.flatMap(field => message[field].map(({ name, email }) => `${name ?? ''} <${email}>`))
}
