/** The first thing that somebody sees on a new installation: two ways to begin. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { FlaskConical, MailPlus } from 'lucide-react'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { useToast } from '../ui/toast.tsx'

export function Welcome() {
  const queries = useQueryClient()
  const toast = useToast()
  const { mutate, isPending, error } = useMutation({
    mutationFn: () => call(api.accounts.startSandbox),
    onSuccess: async account => {
      toast({ tone: 'good', title: 'The sandbox is running', detail: `${account.email} is connected.` })
      await Promise.all([
        queries.invalidateQueries({ queryKey: queryKeys.accounts }),
        queries.invalidateQueries({ queryKey: queryKeys.session }),
      ])
    },
  })
  return (
    <section className="grid gap-4 rounded-lg border bg-surface p-6 shadow-card md:p-8">
      <div className="grid gap-1">
        <h2 className="text-xl font-semibold tracking-tight">Welcome to RustyMail</h2>
        <p className="max-w-prose text-soft">
          Connect a mailbox, and programs can read it over REST while you watch here who does what with it, and how
          fast.
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <ButtonLink href="/accounts?connect=1" variant="primary" icon={MailPlus}>
          Connect a mailbox
        </ButtonLink>
        <Button icon={FlaskConical} isBusy={isPending} onClick={() => mutate()}>
          Try the sandbox
        </Button>
      </div>
      <p className="max-w-prose text-xs text-muted">
        The sandbox is a throw-away mail server on this machine with a few hundred made-up messages. Nothing leaves the
        machine, and it is gone when the server stops.
      </p>
      {error && <ErrorNote error={error} />}
    </section>
  )
}
