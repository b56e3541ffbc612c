/** The state of the event stream in words. */
import type { StreamStatus } from '../platform/stream-status.ts'
import type { Tone } from '../ui/tone.ts'

export interface LiveWords {
  tone: Tone
  text: string
  /** What follows the text where there is room. */
  detail?: string
  /** The text announced to screen readers, without the countdown. */
  spoken: string
}

export function liveWords({ state, attempt, nextAttemptAt }: StreamStatus, now: number): LiveWords {
  if (state === 'live') return { tone: 'good', text: 'Live', spoken: 'Live' }
  if (state === 'connecting') return { tone: 'busy', text: 'Connecting', spoken: 'Connecting' }
  if (state === 'stale') return { tone: 'warn', text: 'Stale', spoken: 'Stale: the server has stopped responding' }
  if (state === 'offline') return { tone: 'bad', text: 'Offline', spoken: 'Offline' }
  if (state === 'signed_out') return { tone: 'unknown', text: 'Signed out', spoken: 'Signed out' }
  const seconds = nextAttemptAt === null ? 0 : Math.max(0, Math.ceil((nextAttemptAt - now) / 1000))
  const when = seconds > 0 ? `${seconds} s` : 'now'
  return { tone: 'warn', text: 'Reconnecting', detail: ` (attempt ${attempt}, ${when})`, spoken: 'Reconnecting' }
}
