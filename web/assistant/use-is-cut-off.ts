/** Whether the page has been disconnected for longer than a blip, so that a growing answer does not appear to grow. */
import { useEffect, useState } from 'react'
import { graceMs, useLiveStatus } from '../platform/live.tsx'

export function useIsCutOff(): boolean {
  const { state, troubleSince } = useLiveStatus()
  const since = state === 'live' || state === 'signed_out' ? null : troubleSince
  const [isLong, setLong] = useState(false)
  useEffect(() => {
    if (since === null) return undefined
    const timer = setTimeout(() => setLong(true), Math.max(0, since + graceMs - Date.now()))
    return () => {
      clearTimeout(timer)
      setLong(false)
    }
  }, [since])
  return state === 'offline' || (since !== null && isLong)
}
