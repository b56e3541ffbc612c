/** Restores the focus when a dialog closes. */
import { useEffect, useState } from 'react'

/**
 * On unmount, returns the focus to the element that had it before, or else to the page's content.
 * @param known The element that had it, if a stand-in replaced the component until it was loaded.
 */
export function useReturnFocus(known?: Element | null): void {
  const [opener] = useState(() => known ?? document.activeElement)
  useEffect(
    () => () => {
      const isUsable = opener instanceof HTMLElement && opener !== document.body && opener.isConnected
      const target = isUsable ? opener : document.getElementById('content')
      target?.focus()
    },
    [opener],
  )
}
