/** Whether single-key shortcuts are on; users of speech input turn them off (WCAG 2.2, 2.1.4). */
import { useState } from 'react'

const storageKey = 'rustymail.single-keys'

export function useSingleKeys(): [boolean, (isOn: boolean) => void] {
  const [isOn, setOn] = useState(read)
  return [
    isOn,
    next => {
      write(next)
      setOn(next)
    },
  ]
}

function read(): boolean {
  try {
    return localStorage.getItem(storageKey) !== 'off'
  } catch {
    return true
  }
}

function write(isOn: boolean): void {
  try {
    if (isOn) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, 'off')
  } catch {
    // Storage may be forbidden; the choice then lasts until the page is left.
  }
}
