/** Which user enabled Web Push in this browser, with what details. It outlives a sign-out, to be renewed afterwards. */
import type { PushDetails } from '../../contract/push.ts'

const storageKey = 'rustymail.push'

/** Returns the details; undefined if the user did not enable it, or storage is forbidden. */
export function markOf(userId: string | null): PushDetails | undefined {
  try {
    const [details, ...user] = (localStorage.getItem(storageKey) ?? '').split(' ')
    if (userId === null || user.join(' ') !== userId) return undefined
    return details === 'none' ? 'none' : 'sender'
  } catch {
    return undefined
  }
}

/** @param details Undefined to disable it. */
export function mark(userId: string | null, details: PushDetails | undefined): void {
  try {
    if (userId === null || details === undefined) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, `${details} ${userId}`)
  } catch {
    // Without storage, it ends with the session.
  }
}
