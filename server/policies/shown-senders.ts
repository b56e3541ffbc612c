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

/** Whether drafts repeat words of the messages that they answer, or submissions those of reports that came back, which anybody can forge. */
export function repeatsOthers(answer: unknown, depth = deepest): boolean {
  if (typeof answer !== 'object' || answer === null) return false
  if (depth === 0) return true
  if ('mode' in answer && typeof answer.mode === 'string' && answer.mode !== 'new') return true
  if ('state' in answer && answer.state === 'bounced') return true
  return Object.values(answer).some(one => repeatsOthers(one, depth - 1))
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
