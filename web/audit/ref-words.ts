/** The targets of an audit entry, short enough for a row. */
import type { AuditEntry } from '../../contract/audit.ts'
import type { User } from '../../contract/users.ts'

type People = readonly Pick<User, 'id' | 'name'>[]

/** Maximum characters; the entry's dialog shows the full text. */
const maxChars = 40

/** Formats references: `user Ada`, `fields name, role`. Unknown users are shown by id. */
export function refWords(refs: AuditEntry['refs'], people: People = []): string[] {
  return Object.entries(refs)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${nameOf(name)} ${short(nameOfPerson(name, value, people) ?? value)}`)
}

/** Returns the name of a user; undefined if it is not one, or was deleted. */
export function nameOfPerson(name: string, value: string, people: People = []): string | undefined {
  return name === 'user_id' ? people.find(({ id }) => id === value)?.name : undefined
}

export function nameOf(ref: string): string {
  return ref.replace(/_id$/, '').replaceAll('_', ' ')
}

function short(text: string): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text
}
