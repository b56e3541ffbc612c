/** Copies a text to the clipboard and reports the outcome. */
import { useEffect, useState } from 'react'

/** @param shownMs How long the outcome is shown; until the next copy by default. */
export function useCopy(text: string, shownMs?: number) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>()
  useEffect(() => {
    if (!outcome || shownMs === undefined) return
    const timer = setTimeout(() => setOutcome(undefined), shownMs)
    return () => clearTimeout(timer)
  }, [outcome, shownMs])
  const copy = () => {
    // Without TLS, browsers expose no clipboard to pages, except on localhost.
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    written.then(
      () => setOutcome('copied'),
      () => setOutcome('failed'),
    )
  }
  return { outcome, copy }
}
