/** What stands in a search field: it follows the search that the address names, and leads it in the pauses of typing. */
import { useEffect, useRef, useState } from 'react'

const pauseMs = 250
/** Nothing more comes for now: mail servers are asked as well. */
const restMs = 1_200

interface Options {
  /** What is searched for now. */
  q: string
  onSearch(q: string): void
  /** Undefined where only Enter searches. */
  onType: ((q: string) => void) | undefined
  onRest: ((q: string) => void) | undefined
  /** What is typed cannot be read yet: only Enter says that it is meant so. */
  isHalf: boolean
}

export function useTypedSearch({ q, onSearch, onType, onRest, isHalf }: Options) {
  const [typed, setTyped] = useState(q)
  const [known, setKnown] = useState(q)
  const [sent, setSent] = useState(q)
  // The back button changes the address, and what is typed follows it; what was sent from here comes back, while one types on.
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
  /** At once, whatever waits. */
  const send = (value: string) => {
    timers.current.forEach(clearTimeout)
    setTyped(value)
    setSent(value)
    onSearch(value)
  }
  return { typed, setTyped, send }
}
