/** The error of a form; for a throttled request, with a countdown to the next attempt. */
import { ApiProblem } from '../platform/api-client.ts'
import { useNow } from '../platform/clock.ts'
import { formatDuration } from '../platform/format.ts'
import { ErrorNote, FaultNote } from './error-state.tsx'

/** Returns the seconds left to wait after a throttled request. */
export function useWaitSeconds(error: Error | null | undefined): number {
  const now = useNow(1_000)
  if (!(error instanceof ApiProblem) || error.retryAfterSeconds === undefined) return 0
  const left = Math.ceil((error.receivedAt - now) / 1000 + error.retryAfterSeconds)
  return Math.min(Math.max(0, left), error.retryAfterSeconds)
}

/** @param words Replaces the server's words, where the page knows better. */
export function WaitNote({ error, words }: { error: Error; words?: { title: string; detail: string } | undefined }) {
  const seconds = useWaitSeconds(error)
  const mayWait = error instanceof ApiProblem && error.retryAfterSeconds !== undefined
  if (!mayWait) return words ? <FaultNote {...words} /> : <ErrorNote error={error} />
  const aside = (
    <>
      <p className="font-medium text-ink" aria-hidden="true">
        {seconds > 0 ? `You can try again in ${formatDuration(seconds)}.` : 'You can try again now.'}
      </p>
      <span role="status" className="sr-only">
        {seconds === 0 && 'You can try again now.'}
      </span>
    </>
  )
  return <FaultNote title={error.body.title} detail={words?.detail ?? waitWords(error.code)} aside={aside} />
}

function waitWords(code: string): string {
  if (code === 'too_many_attempts') return 'Each wrong attempt makes the wait longer, to stop guessing.'
  return 'Too many requests: please wait.'
}
