/** For those who are not signed in, and for when the server does not answer. */
import { ErrorState } from '../ui/error-state.tsx'
import { Entrance } from './entrance.tsx'

export function SignedOutPage() {
  return (
    <Entrance title="You are not signed in">
      <p className="text-soft">Open the set-up link that the server printed. It signs this browser in.</p>
      <HowToFindTheLink />
    </Entrance>
  )
}

export function HowToFindTheLink() {
  return (
    <div className="grid gap-2 rounded-md bg-sunken p-3 text-sm">
      <p className="font-medium">Where is it?</p>
      <ul className="grid list-disc gap-1 pl-5 text-soft">
        <li>
          In the terminal that runs the server, on the line that begins with{' '}
          <code className="font-mono text-ink">Set up:</code>
        </li>
        <li>It works once, and within 30 minutes. Restart the server to get a new one.</li>
      </ul>
    </div>
  )
}

export function ServerSilentPage({ error, onRetry }: { error: Error; onRetry(): void }) {
  return (
    <Entrance title="The server does not answer">
      <ErrorState error={error} onRetry={onRetry} />
    </Entrance>
  )
}
