/** Detects words typed while no field has the focus, so that a letter of theirs does not trigger a decision. */
import { useEffect } from 'react'
import { isTyping } from './use-shortcuts.ts'

/** Milliseconds that are longer than the pauses within a word. */
const wordMs = 1_000
/** Shortcuts of the pages with decisions, and space, which scrolls. */
const keys = 'adejkuxg?/ '
/** Shared by all components, because what is open may change meanwhile. */
let typedAt = Number.NEGATIVE_INFINITY

/** Returns a function that tells whether a letter that is no shortcut was typed lately. */
export function useTypedWords(): () => boolean {
  useEffect(() => {
    const ending = new AbortController()
    const hear = ({ key, ctrlKey, metaKey, altKey, target, timeStamp }: KeyboardEvent) => {
      const isLetter = key.length === 1 && !ctrlKey && !metaKey && !altKey && !keys.includes(key)
      if (isLetter && !isTyping(target)) typedAt = timeStamp
    }
    addEventListener('keydown', hear, { signal: ending.signal, capture: true })
    return () => ending.abort()
  }, [])
  return isWord
}

function isWord(): boolean {
  return performance.now() - typedAt < wordMs
}
