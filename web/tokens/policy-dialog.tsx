/** The policy of a token, shown in plain words and edited. */
import { useState } from 'react'
import { cappedPolicy, defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { formatMinute, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { PolicyFields } from './policy-fields.tsx'
import { type PolicyFaults, policyFaults, policyFormOf, policyOf } from './policy-words.ts'
import { usePolicy, useSetPolicy } from './use-policy.ts'

type Answer = NonNullable<ReturnType<typeof usePolicy>['data']>

export function PolicyDialog({ token, onClose }: { token: ApiToken; onClose(): void }) {
  const { data, error, refetch } = usePolicy(token)
  const [isEditing, setEditing] = useState(false)
  if (data && isEditing) {
    return <EditPolicy token={token} answer={data} onDone={() => setEditing(false)} />
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Policy of ${token.name}`}
      size="lg"
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button variant="primary" disabled={!data} onClick={() => setEditing(true)}>
            Edit the policy
          </Button>
        </>
      }
    >
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={4} />}
      {data && <ReadPolicy answer={data} />}
    </Dialog>
  )
}

function ReadPolicy({
  answer: { words, is_default: isDefault, changed_at: at, changed_by: by, used, policy },
}: {
  answer: Answer
}) {
  const { sending, organizing } = policy
  const figures: [label: string, used: number, most: number | null][] = [
    ['Messages this hour', used.sent_hour, sending.max_per_hour],
    ['Messages this day', used.sent_day, sending.max_per_day],
    ['Recipients this hour', used.recipients_hour, sending.max_recipients_per_hour],
    ['Recipients this day', used.recipients_day, sending.max_recipients_per_day],
    ['Changes this hour', used.changes_hour, organizing.max_per_hour],
  ]
  return (
    <div className="grid gap-4">
      <p className="text-sm text-soft">
        {isDefault ? (
          <>
            <Badge tone="info">Default</Badge> This token has no policy of its own.
          </>
        ) : (
          at !== null && `Set on ${formatMinute(Date.parse(at))}${by === null ? '' : ` by ${by}`}.`
        )}
      </p>
      <ul className="grid list-disc gap-1 ps-5 text-base">
        {words.map(sentence => (
          <li key={sentence} className="wrap-anywhere">
            {visibleText(sentence)}
          </li>
        ))}
      </ul>
      <section aria-label="Used">
        <h3 className="mb-1 text-sm font-semibold">Used so far</h3>
        <dl className="grid grid-cols-2 gap-x-4 gap-y-2 sm:grid-cols-3">
          {figures.map(([label, count, most]) => (
            <div key={label}>
              <dt className="text-xs text-muted">{label}</dt>
              <dd className="text-base">
                {formatNumber(count)}
                {most !== null && <span className="text-muted"> of {formatNumber(most)}</span>}
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  )
}

function EditPolicy({ token, answer, onDone }: { token: ApiToken; answer: Answer; onDone(): void }) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const [form, setForm] = useState(() => policyFormOf(answer.policy, zone))
  const [faults, setFaults] = useState<PolicyFaults>({})
  const save = useSetPolicy(token)
  const start = (policy: TokenPolicy) => {
    setForm(policyFormOf(policy, zone))
    setFaults({})
  }
  const submit = () => {
    const found = policyFaults(form)
    setFaults(found)
    if (Object.keys(found).length === 0) save.mutate(policyOf(form), { onSuccess: onDone })
  }
  return (
    <FormDialog
      onClose={onDone}
      title={`Edit the policy of ${token.name}`}
      size="lg"
      submitLabel="Save the policy"
      isBusy={save.isPending}
      noValidate
      className="grid gap-6"
      onSubmit={() => submit()}
    >
      <p className="flex flex-wrap items-center gap-2 text-sm text-soft">
        Start from
        <Button size="sm" onClick={() => start(defaultPolicy)}>
          A human approves each message
        </Button>
        <Button size="sm" onClick={() => start(cappedPolicy)}>
          Autonomous, capped
        </Button>
      </p>
      <PolicyFields
        form={form}
        faults={faults}
        onChange={change => {
          setForm(before => ({ ...before, ...change }))
          setFaults({})
        }}
      />
      {save.error && <ErrorNote error={save.error} />}
      <p className="text-xs text-muted">Takes effect immediately, also for what waits for approval.</p>
    </FormDialog>
  )
}
