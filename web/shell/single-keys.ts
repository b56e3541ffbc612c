/** Whether keys without Ctrl or Command do something: people who speak to their computer switch that off (WCAG 2.2, 2.1.4). */
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
    // Storage may be forbidden; the choice then holds until the page is left.
  }
}
