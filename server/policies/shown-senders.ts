/** Whose words an answer shows, as far as its sender is certain. */

/** The wrapping of answers by which messages come. */
type Answer = Record<string, unknown>

const deepest = 8

/**
 * Addresses of all messages in an answer; undefined where one of them may be of somebody else. From alone says nothing: it counts only where the mail
 * server has verified its domain. Lists and searches do not say so, so what they show counts as a stranger's.
 */
export function shownSenders(answer: unknown): string[] | undefined {
  const senders: string[] = []
  return collect(answer, senders, deepest) ? senders : undefined
}

/** Of the drafts in an answer, and of those of the submissions in it; undefined where it says what came back, which anybody can forge. */
export function shownDrafts(answer: unknown): string[] | undefined {
  const ids = new Set<string>()
  return collectDrafts(answer, ids, deepest) ? [...ids] : undefined
}

/** Whether a list, or all lists, of an answer are empty. */
export function showsNothing(answer: unknown, depth = deepest): boolean {
  if (typeof answer !== 'object' || answer === null) return true
  if (depth === 0 || 'subject' in answer) return false
  if (Array.isArray(answer)) return answer.length === 0
  const lists = Object.values(answer).filter(one => typeof one === 'object' && one !== null)
  return lists.length > 0 && lists.every(one => showsNothing(one, depth - 1))
}

function collectDrafts(value: unknown, ids: Set<string>, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every(one => collectDrafts(one, ids, depth - 1))
  if ('state' in value && value.state === 'bounced') return false
  if ('mode' in value && 'id' in value && typeof value.id === 'string') ids.add(value.id)
  if ('draft_id' in value && typeof value.draft_id === 'string') ids.add(value.draft_id)
  return Object.values(value).every(one => collectDrafts(one, ids, depth - 1))
}

function collect(value: unknown, senders: string[], depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every(one => collect(one, senders, depth - 1))
  const answer = value as Answer
  if (!('subject' in answer)) return Object.values(answer).every(one => collect(one, senders, depth - 1))
  const { from, auth } = answer
  const isVerified = typeof auth === 'object' && auth !== null && 'verdict' in auth && auth.verdict === 'verified'
  const people = Array.isArray(from) ? (from as unknown[]) : [from]
  if (!isVerified || people.length === 0) return false
  return people.every(person => {
    const email = typeof person === 'object' && person !== null && 'email' in person ? person.email : undefined
    if (typeof email !== 'string' || email === '') return false
    senders.push(email)
    return true
  })
}
