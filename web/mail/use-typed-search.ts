/** The text of the search field: it follows the search in the address, and updates it in pauses of typing. */
import { useEffect, useRef, useState } from 'react'

const pauseMs = 250
/** Milliseconds without a keystroke after which mail servers are asked as well. */
const restMs = 1_200

interface Options {
  /** The current search. */
  q: string
  onSearch(q: string): void
  /** Undefined if only Enter searches. */
  onType: ((q: string) => void) | undefined
  onRest: ((q: string) => void) | undefined
  /** Whether the text is incomplete, so that only Enter submits it. */
  isHalf: boolean
}

export function useTypedSearch({ q, onSearch, onType, onRest, isHalf }: Options) {
  const [typed, setTyped] = useState(q)
  const [known, setKnown] = useState(q)
  const [sent, setSent] = useState(q)
  // The field follows the address when the back button changes it, but ignores its own searches arriving there while
  // the user types on.
  if (known !== q) {
    setKnown(q)
    if (q !== sent) setTyped(q)
  }
  const timers = useRef<ReturnType<typeof setTimeout>[]>([])
  const newest = useRef({ q, onType, onRest, isHalf })
  useEffect(() => {
    newest.current = { q, onType, onRest, isHalf }
  })
  const wanted = typed.trim()
  useEffect(() => {
    if (!newest.current.onType || wanted === newest.current.q) return
    const waiting = [
      setTimeout(() => {
        setSent(wanted)
        newest.current.onType?.(wanted)
      }, pauseMs),
      setTimeout(() => newest.current.isHalf || newest.current.onRest?.(wanted), restMs),
    ]
    timers.current = waiting
    return () => waiting.forEach(clearTimeout)
  }, [wanted])
  /** Searches immediately, and cancels pending timers. */
  const send = (value: string) => {
    timers.current.forEach(clearTimeout)
    setTyped(value)
    setSent(value)
    onSearch(value)
  }
  return { typed, setTyped, send }
}
