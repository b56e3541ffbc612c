/** Where the keyboard stands when a dialog closes. */
import { useEffect, useState } from 'react'

/**
 * When the component goes away, the focus returns to what had it before, or else to the content of the page.
 * @param known What had it, where something else stood in for the component until it was loaded.
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
