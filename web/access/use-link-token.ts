/** The secret of a link, which stands behind the `#`: it is never sent with the address, and does not stay in it. */
import { useEffect, useState } from 'react'

export interface LinkToken {
  /** Empty when the link was not complete. */
  readonly token: string
  /** Another each time a link is opened, the same link included: what is known of the one before does not hold for it. */
  readonly opened: number
}

/** Follows a link that is opened in the tab in which another one is open: only what stands behind the `#` changes then. */
export function useLinkToken(): LinkToken {
  const [link, setLink] = useState<LinkToken>(() => ({ token: tokenInAddress(), opened: 0 }))
  useEffect(() => {
    clearAddress()
    const open = () => {
      const token = tokenInAddress()
      // That it was cleared is no link.
      if (token === '') return
      clearAddress()
      setLink(before => ({ token, opened: before.opened + 1 }))
    }
    addEventListener('hashchange', open)
    return () => removeEventListener('hashchange', open)
  }, [])
  return link
}

/** Neither the history nor somebody looking on shall keep it. */
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
