/** The first screen of a new installation: two ways to start. */
import { FlaskConical, MailPlus } from 'lucide-react'
import { useStartSandbox } from '../accounts/use-accounts.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'

/** @param hadSandbox Whether there is an account of a sandbox that is not running. */
export function Welcome({ hadSandbox }: { hadSandbox: boolean }) {
  const { mutate, isPending, error } = useStartSandbox()
  return (
    <section className="grid gap-4 rounded-lg border bg-surface p-6 shadow-card md:p-8">
      <div className="grid gap-1">
        <h2 className="text-xl font-semibold tracking-tight">Welcome to RustyMail</h2>
        <p className="max-w-prose text-soft">
          Connect a mailbox so that programs and agents can use it, and watch live what each of them does.
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <ButtonLink href="/accounts?connect=1" variant="primary" icon={MailPlus}>
          Connect a mailbox
        </ButtonLink>
        <Button icon={FlaskConical} isBusy={isPending} onClick={() => mutate()}>
          {hadSandbox ? 'Start the sandbox again' : 'Try the sandbox'}
        </Button>
      </div>
      <p className="max-w-prose text-xs text-muted">
        The sandbox is a throw-away mail server on this machine with a few hundred made-up messages. Nothing leaves the
        machine. Its mail is lost when the server stops; its account stays.
      </p>
      {error && <ErrorNote error={error} />}
    </section>
  )
}
