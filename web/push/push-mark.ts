/** Which user asked in this browser to be notified by Web Push, and of what. It outlives a sign-out: who signs in again is notified again. */
import type { PushDetails } from '../../contract/push.ts'

const storageKey = 'rustymail.push'

/** Undefined where the user did not ask for it, and where storage is forbidden. */
export function markOf(userId: string | null): PushDetails | undefined {
  try {
    const [details, ...user] = (localStorage.getItem(storageKey) ?? '').split(' ')
    if (userId === null || user.join(' ') !== userId) return undefined
    return details === 'none' ? 'none' : 'sender'
  } catch {
    return undefined
  }
}

/** @param details Undefined: no more. */
export function mark(userId: string | null, details: PushDetails | undefined): void {
  try {
    if (userId === null || details === undefined) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, `${details} ${userId}`)
  } catch {
    // Then it ends with the session.
  }
}
