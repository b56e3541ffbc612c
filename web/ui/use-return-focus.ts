/** Where the keyboard stands when a dialog closes. */
import { useEffect, useState } from 'react'

/** When the component goes away, the focus returns to what had it before, or else to the content of the page. */
export function useReturnFocus(): void {
  const [opener] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      const isUsable = opener instanceof HTMLElement && opener !== document.body && opener.isConnected
      const target = isUsable ? opener : document.getElementById('content')
      target?.focus()
    },
    [opener],
  )
}
