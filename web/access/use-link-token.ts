/** The secret of a link, which stands behind the `#`: it is never sent with the address, and does not stay in it. */
import { useEffect, useState } from 'react'

/** Empty when the link was not complete. */
export function useLinkToken(): string {
  const [token] = useState(() => decode(location.hash.slice(1)))
  useEffect(() => {
    // Neither the history nor somebody looking on shall keep it.
    history.replaceState(history.state, '', location.pathname)
  }, [])
  return token
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
