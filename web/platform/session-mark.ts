/**
 * Remembers in this browser that it is signed out. The cookie cannot be seen by the page, and to ask the server each
 * time would write a refused request on the console of a visitor who only sees the door. Unless it is certain, the server is asked.
 */

const storageKey = 'rustymail.nobody'
/** In the address at which somebody comes back from the OpenID Connect provider. */
export const returnName = 'signed_in'

/** Takes the word of the provider's way back out of the address. */
export function mayBeSomebody(): boolean {
  const url = new URL(location.href)
  if (url.searchParams.has(returnName)) {
    url.searchParams.delete(returnName)
    history.replaceState(history.state, '', url)
    markSomebody()
  }
  try {
    return localStorage.getItem(storageKey) === null
  } catch {
    // Storage may be forbidden.
    return true
  }
}

export function markNobody(): void {
  write(() => localStorage.setItem(storageKey, '1'))
}

export function markSomebody(): void {
  write(() => localStorage.removeItem(storageKey))
}

function write(change: () => void): void {
  try {
    change()
  } catch {
    // Without storage nothing is remembered, and the server is asked each time.
  }
}
