/** Whether somebody types words where no field takes them: a letter of theirs decides nothing, though it is a key of the page. */
import { useEffect } from 'react'
import { isTyping } from './use-shortcuts.ts'

/** Longer than between letters of a word and its neighbours. */
const wordMs = 1_000
/** Those of the pages where something is decided; with a space people read on. */
const keys = 'adejkuxg?/ '
/** Of the whole page: what is open may change meanwhile. */
let typedAt = Number.NEGATIVE_INFINITY

/** Answers whether a letter was typed lately that is no key. */
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
