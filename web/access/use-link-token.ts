/** The secret after the `#` of a link: it is never sent with the address, and is removed from it at once. */
import { useEffect, useState } from 'react'

export interface LinkToken {
  /** The token; empty if the link was incomplete. */
  readonly token: string
  /** Increases each time a link is opened, even the same one, because results of the previous one do not apply. */
  readonly opened: number
}

/** Returns the token, and follows another link opened in the same tab, which changes only the part after the `#`. */
export function useLinkToken(): LinkToken {
  const [link, setLink] = useState<LinkToken>(() => ({ token: tokenInAddress(), opened: 0 }))
  useEffect(() => {
    clearAddress()
    const open = () => {
      const token = tokenInAddress()
      // Clearing the address also fires the event.
      if (token === '') return
      clearAddress()
      setLink(before => ({ token, opened: before.opened + 1 }))
    }
    addEventListener('hashchange', open)
    return () => removeEventListener('hashchange', open)
  }, [])
  return link
}

/** Removes the secret from the address, so that neither the history nor an onlooker gets it. */
function clearAddress(): void {
  history.replaceState(history.state, '', location.pathname)
}

function tokenInAddress(): string {
  const text = location.hash.slice(1)
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
