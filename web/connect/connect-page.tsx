/** The OAuth consent page: who the program says it is, where the browser returns to, and what it gets. */
import { ShieldAlert, ShieldCheck } from 'lucide-react'
import { type FormEvent, useMemo, useRef, useState } from 'react'
import { useParams } from 'wouter'
import { type ConnectionPreset, type ConnectionRequest, connectionPresets } from '../../contract/mcp-auth.ts'
import { AccountChecks } from '../accounts/account-checks.tsx'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useFieldFocus } from '../accounts/use-dialog-focus.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { useSession } from '../platform/session.ts'
import { Entrance } from '../shell/entrance.tsx'
import { PageSkeleton } from '../shell/page-skeleton.tsx'
import { scopeWords } from '../tokens/scope-words.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Checkbox, Radios } from '../ui/choice.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { Field, Input, Select } from '../ui/field.tsx'
import { presetsFor, presetWords, usualPreset } from './preset-words.ts'
import { useConnectionRequest, useDecision } from './use-connection.ts'

const lifetimes = { 1: '1 day', 7: '7 days', 30: '30 days', 90: '90 days', 365: '1 year' } as const
const dayMs = 86_400_000

export function ConnectPage() {
  const { id = '' } = useParams<{ id: string }>()
  const request = useConnectionRequest(id)
  if (request.data) return <Question key={id} request={request.data} />
  if (request.error instanceof ApiProblem && request.error.status === 404) return <Over />
  return (
    <Entrance title="Connect a program">
      {request.error ? <ErrorState error={request.error} onRetry={() => void request.refetch()} /> : <PageSkeleton />}
    </Entrance>
  )
}

function Over() {
  return (
    <Entrance title="No open request">
      <p role="alert" className="text-soft">
        This request has expired, was already decided, or was started in another browser. Connect again from the
        program.
      </p>
      <div>
        <ButtonLink href="/tokens">Go to the tokens</ButtonLink>
      </div>
    </Entrance>
  )
}

function Question({ request }: { request: ConnectionRequest }) {
  const { principal } = useSession()
  const usual = usualPreset(principal.scopes, request.asks_for)
  const accounts = useAccounts().data?.items
  const only = useMemo(() => (accounts?.length === 1 ? accounts.map(({ id }) => id) : []), [accounts])
  const [name, setName] = useState(request.client.name)
  const [preset, setPreset] = useState<ConnectionPreset | undefined>(usual)
  const [proposes, setProposes] = useState(false)
  const [chosen, setChosen] = useState<string[]>()
  const [days, setDays] = useState('30')
  const [isChecked, setChecked] = useState(false)
  const [attempt, setAttempt] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  useFieldFocus(form, attempt)
  const { mutate, isPending, isSuccess, error, variables } = useDecision(request.request_id)
  const ticked = chosen ?? only
  const faults = {
    name: name.trim() === '' ? 'Enter a name.' : undefined,
    accounts: ticked.length === 0 ? 'Select at least one account.' : undefined,
  }
  const isBusy = isPending || isSuccess
  const isDenying = variables === 'deny'
  if (error instanceof ApiProblem && error.code === 'connection_not_found') return <Over />
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isBusy || preset === undefined) return
    setChecked(true)
    if (faults.name || faults.accounts) return setAttempt(before => before + 1)
    const expires_at = new Date(Date.now() + Number(days) * dayMs).toISOString()
    mutate({ name: name.trim(), preset, proposes, accounts: ticked, expires_at })
  }
  return (
    <Entrance title={`Connect ${request.client.name}?`}>
      <Asker request={request} person={principal.name} />
      <form ref={form} noValidate autoComplete="off" onSubmit={submit} className="grid gap-4">
        {preset === undefined ? (
          <p className="text-sm text-soft">Your role cannot read mail, so you cannot connect a program to it.</p>
        ) : (
          <>
            <AccountChecks
              value={ticked}
              hint="It sees only the selected accounts."
              error={isChecked ? faults.accounts : undefined}
              onChange={next => setChosen(next === 'all' ? [] : next)}
            />
            <Radios<ConnectionPreset>
              legend="What it may do"
              value={preset}
              choices={presetsFor(principal.scopes).map(value => ({
                value,
                label: connectionPresets[value].title,
                hint: presetWords[value],
              }))}
              onChange={setPreset}
            />
            {preset !== 'reader' && (
              <Checkbox
                label="Only propose"
                hint="What it wants to do waits on the Approvals page until a person applies it."
                isChecked={proposes}
                onChange={setProposes}
              />
            )}
            <div className="grid gap-3 sm:grid-cols-2">
              <Field label="Name" hint="Shown in your list of tokens." error={isChecked ? faults.name : undefined}>
                <Input value={name} maxLength={100} onChange={event => setName(event.target.value)} />
              </Field>
              <Field label="Expires" hint="You can revoke it at any time.">
                <Select value={days} onChange={event => setDays(event.target.value)}>
                  {Object.entries(lifetimes).map(([value, words]) => (
                    <option key={value} value={value}>
                      In {words}
                    </option>
                  ))}
                </Select>
              </Field>
            </div>
          </>
        )}
        {error && <ErrorNote error={error} />}
        <div className="flex flex-wrap gap-2">
          {preset !== undefined && (
            <Button variant="primary" type="submit" isBusy={isBusy && !isDenying} disabled={isBusy && isDenying}>
              Connect
            </Button>
          )}
          <Button isBusy={isBusy && isDenying} disabled={isBusy && !isDenying} onClick={() => mutate('deny')}>
            Deny
          </Button>
        </div>
      </form>
    </Entrance>
  )
}

/** The requesting program: verified facts, and its own claims. */
function Asker({ request, person }: { request: ConnectionRequest; person: string }) {
  const { client, redirect_uri: redirectUri, asks_for: asked } = request
  const isHere = /^(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(client.redirect_host)
  return (
    <div className="grid gap-3 text-sm">
      <p className="text-soft">
        It wants to use your mail as <strong className="font-medium text-ink">{person}</strong>. Connect it only if you
        just started this in that program.
      </p>
      <dl className="grid gap-2 rounded-md border p-3">
        <Fact label="Published by">
          {client.host === null ? (
            <span className="flex items-start gap-1.5">
              <ShieldAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
              Not verified: it registered itself and chose its own name.
            </span>
          ) : (
            <span className="flex items-start gap-1.5">
              <ShieldCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-good" />
              <span className="wrap-anywhere">
                <strong className="font-medium">{client.host}</strong>, which is verified. It chose its own name.
              </span>
            </span>
          )}
        </Fact>
        <Fact label="You return to">
          <strong className="font-medium wrap-anywhere">{client.redirect_host}</strong>
          {isHere && <span className="text-soft">, a program on the computer of this browser</span>}
          <code className="block font-mono text-xs break-all text-muted">{redirectUri}</code>
        </Fact>
        <Fact label="It requests">
          {asked.map(scope => scopeWords[scope].label.toLowerCase()).join(', ')}. You decide below.
        </Fact>
      </dl>
    </div>
  )
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="grid gap-x-3 sm:grid-cols-[8rem_1fr]">
      <dt className="text-muted">{label}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  )
}
