/**
 * Remembers in this browser that it is signed out. The page cannot read the cookie, and asking the server on each visit
 * would log a failed request to the console of every anonymous visitor. Without that mark, the server is asked.
 */

const storageKey = 'rustymail.nobody'
/** The query parameter with which the OpenID Connect provider's redirect returns to the page. */
export const returnName = 'signed_in'

/** Returns whether this browser may be signed in; removes the redirect's parameter from the address. */
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
    // Storage may be forbidden; then the server is asked.
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
