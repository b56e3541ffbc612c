/** The playground: a real MCP client in the page. Lists what a token is offered, calls it, and shows raw messages. */
import { Plug, Unplug } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { tokenPresets } from '../../contract/tokens.ts'
import { AccountChecks } from '../accounts/account-checks.tsx'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useSession } from '../platform/session.ts'
import { type PresetName, presetNames } from '../tokens/token-draft.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { type Choice, Radios } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { AgentsTabs } from '../ui/page-tabs.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { FrameList } from './frame-list.tsx'
import { OfferedParts } from './offered-parts.tsx'
import { lifeMinutes, type Opened, usePlayground } from './use-playground.ts'

export function PlaygroundPage() {
  const { opened, frames, error, isBusy, open, close, clearFrames } = usePlayground()
  return (
    <>
      <PageHeader
        title="Playground"
        description="An MCP client in this page: see what an agent is offered, and what its calls return."
        actions={
          opened && (
            <Button icon={Unplug} onClick={close}>
              End
            </Button>
          )
        }
      />
      <AgentsTabs />
      <div className="grid grid-cols-1 gap-4">
        {opened ? (
          <>
            <Connected opened={opened} />
            <OfferedParts key={opened.endsAt} opened={opened} />
          </>
        ) : (
          <Begin
            isBusy={isBusy}
            error={error}
            onOpen={(preset, accounts) => void open([...tokenPresets[preset].scopes], accounts)}
          />
        )}
        {frames.length > 0 && <FrameList frames={frames} onClear={clearFrames} />}
      </div>
    </>
  )
}

const presetHints: Record<PresetName, string> = {
  reader: 'Lists and reads mail. Changes nothing.',
  organizer: 'Also marks and moves messages, which can be undone.',
  drafter: 'Also writes drafts.',
  sender: 'Also asks to send. By default, a human approves each message.',
  dashboard: 'No mail at all.',
}

function Begin({
  isBusy,
  error,
  onOpen,
}: {
  isBusy: boolean
  error: Error | undefined
  onOpen(preset: PresetName, accounts: string[]): void
}) {
  const own = useSession().principal.scopes
  const known = useAccounts().data?.items
  const [preset, setPreset] = useState<PresetName>()
  const [picked, setPicked] = useState<string[]>()
  const [fault, setFault] = useState<string>()
  const id = useId()
  const choices: Choice<PresetName>[] = presetNames
    .filter(name => tokenPresets[name].scopes.every(scope => own.includes(scope)))
    .map(value => ({ value, label: tokenPresets[value].title, hint: presetHints[value] }))
  const chosen = preset ?? choices[0]?.value ?? 'dashboard'
  const wantsMail = chosen !== 'dashboard'
  const accounts = picked ?? (known?.length === 1 ? known.map(account => account.id) : [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isBusy) return
    if (wantsMail && accounts.length === 0) return setFault('Select at least one account.')
    setFault(undefined)
    onOpen(chosen, wantsMail ? accounts : [])
  }
  return (
    <Card title="Start">
      <form noValidate onSubmit={submit} aria-describedby={id} className="grid max-w-3xl gap-4">
        <p id={id} className="text-sm text-soft">
          This creates a token that expires after {lifeMinutes} minutes, or when you leave this page, and uses only
          that, not your session. Calls are real, and are recorded in the audit trail.
        </p>
        {error && <ErrorNote error={error} />}
        <div className="grid gap-4 sm:grid-cols-2">
          <Radios<PresetName> legend="What it may do" value={chosen} choices={choices} onChange={setPreset} />
          {wantsMail && (
            <AccountChecks
              value={accounts}
              error={fault}
              onChange={value => {
                setPicked(value === 'all' ? [] : value)
                setFault(undefined)
              }}
            />
          )}
        </div>
        <span>
          <Button type="submit" variant="primary" icon={Plug} isBusy={isBusy} disabled={wantsMail && !known}>
            Connect
          </Button>
        </span>
      </form>
    </Card>
  )
}

function Connected({ opened: { offered, endsAt } }: { opened: Opened }) {
  const { server, revision } = offered
  return (
    <p role="status" className="text-sm text-soft">
      Connected to {server?.title ?? server?.name ?? 'the server'} {server?.version}, MCP {revision}. The token expires{' '}
      <RelativeTime at={endsAt} />.
    </p>
  )
}
