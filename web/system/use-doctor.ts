/** Runs one examination at a time; it is aborted when the page is left. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type Examination, examine } from './examine.ts'

export interface Doctor {
  examination: Examination | undefined
  error: Error | undefined
  isBusy: boolean
  start(): void
}

export function useDoctor(): Doctor {
  const ending = useRef<AbortController>(undefined)
  const [state, setState] = useState<Omit<Doctor, 'start'>>({
    examination: undefined,
    error: undefined,
    isBusy: false,
  })
  useEffect(() => () => ending.current?.abort(), [])
  const start = useCallback(() => {
    ending.current?.abort()
    ending.current = new AbortController()
    const { signal } = ending.current
    setState(before => ({ ...before, error: undefined, isBusy: true }))
    examine(signal).then(
      examination => setState({ examination, error: undefined, isBusy: false }),
      error => {
        if (!signal.aborted) setState(before => ({ ...before, error, isBusy: false }))
      },
    )
  }, [])
  return { ...state, start }
}
