/** Whether a term of a search holds for a message in memory: parts of words count, in any case. */
import type { MessageContent } from '../mail-gateway.ts'
import type { SearchTerm } from '../search-query.ts'

export function holds(term: SearchTerm, message: MessageContent): boolean {
  return isMet(term, message) !== term.isNegated
}

function isMet(term: SearchTerm, message: MessageContent): boolean {
  switch (term.kind) {
    case 'text': {
      const body = term.inBody ? [message.text, message.html] : []
      return has(term.text, message.subject, ...addresses(message, 'from', 'to', 'cc'), ...body)
    }
    case 'from':
      return has(term.text, ...addresses(message, 'from'))
    case 'to':
      return has(term.text, ...addresses(message, 'to', 'cc'))
    case 'subject':
      return has(term.text, message.subject)
    case 'flag':
      return message.flags.includes(term.flag) === term.isSet
    case 'after':
      return message.date.slice(0, 10) >= term.day
    case 'before':
      return message.date.slice(0, 10) < term.day
    case 'larger':
      return message.sizeBytes > term.bytes
  }
}

function has(text: string, ...places: (string | null)[]): boolean {
  return places.some(place => place?.toLowerCase().includes(text.toLowerCase()))
}

function addresses(message: MessageContent, ...fields: ('from' | 'to' | 'cc')[]): string[] {
  return fields.flatMap(field => message[field].map(({ name, email }) => `${name ?? ''} <${email}>`))
}
