/** Creates or edits a notifier: its target, what it sends, and its escalation. */
import { useEffect, useRef, useState } from 'react'
import type { Notifier, NotifierKind } from '../../contract/notifiers.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, Select, Switch } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { SigningSecretDialog } from '../ui/shown-once-dialog.tsx'
import { AnnouncementFields, Escalation } from './announcement-fields.tsx'
import { bodyOf, draftOf, emptyDraft, type NotifierDraft } from './notifier-draft.ts'
import { faultsOfDraft, faultsOfServer, type NotifierFaults } from './notifier-faults.ts'
import { kindNames, kinds } from './notifier-words.ts'
import { TargetFields } from './target-fields.tsx'
import { useSaveNotifier } from './use-notifiers.ts'

interface FormProps {
  notifier?: Notifier
  /** All notifiers, as targets of an escalation. */
  notifiers: readonly Notifier[]
  onClose(): void
}

export function NotifierForm({ notifier, notifiers, onClose }: FormProps) {
  const isNew = notifier === undefined
  const { mutate, reset, data: secret, error, isPending } = useSaveNotifier(notifier?.id)
  const [draft, setDraft] = useState<NotifierDraft>(notifier ? draftOf(notifier) : emptyDraft)
  const [enabled, setEnabled] = useState(notifier?.enabled ?? true)
  const [attempt, setAttempt] = useState(0)
  const [tried, setTried] = useState<NotifierFaults>({})
  const element = useRef<HTMLFormElement>(null)
  const said: NotifierFaults = error instanceof ApiProblem ? faultsOfServer(error.body.errors) : {}
  const found = faultsOfDraft(draft, isNew)
  // The error at the last submit, while it persists: a text that changes with each keystroke would be announced each
  // time.
  const faultOf = (name: string) => said[name] ?? (tried[name] === found[name] ? tried[name] : undefined)
  const change = (part: Partial<NotifierDraft>) => {
    setDraft(before => ({ ...before, ...part }))
    // The server's errors described the notifier before this edit.
    if (error) reset()
  }
  const failedAt = error ? 'failed' : ''
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once per submit
  useEffect(() => {
    if (attempt > 0) element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-faulty] input')?.focus()
  }, [attempt, failedAt])
  const submit = () => {
    setAttempt(before => before + 1)
    setTried(found)
    if (isPending || Object.keys(found).length > 0) return
    mutate(bodyOf(draft, enabled), { onSuccess: made => made === null && onClose() })
  }
  if (secret)
    return (
      <SigningSecretDialog
        title="Notifier added"
        label={`Signing secret of ${draft.name}`}
        secret={secret}
        onClose={onClose}
      />
    )
  return (
    <FormDialog
      onClose={onClose}
      title={notifier ? `Edit ${notifier.name}` : 'Add a notifier'}
      submitLabel={notifier ? 'Save' : 'Add'}
      isBusy={isPending}
      ref={element}
      noValidate
      autoComplete="off"
      onSubmit={submit}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Kind" hint={notifier && 'Stays as it is.'}>
          <Select
            data-first-focus
            disabled={!isNew}
            value={draft.kind}
            onChange={event => {
              change({ kind: event.target.value as NotifierKind, fields: {} })
              // The fields of the new kind have not been submitted yet.
              setTried({})
            }}
          >
            {kinds.map(kind => (
              <option key={kind} value={kind}>
                {kindNames[kind]}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Name" error={faultOf('name')}>
          <Input maxLength={100} value={draft.name} onChange={event => change({ name: event.target.value })} />
        </Field>
      </div>
      <TargetFields draft={draft} isNew={isNew} faultOf={faultOf} onChange={change} />
      <AnnouncementFields draft={draft} faultOf={faultOf} onChange={change} />
      <Escalation
        draft={draft}
        others={notifiers.filter(({ id }) => id !== notifier?.id)}
        faultOf={faultOf}
        onChange={change}
      />
      {notifier && <Switch label="On" isOn={enabled} onChange={setEnabled} />}
      {error && Object.keys(said).length === 0 && <ErrorNote error={error} />}
    </FormDialog>
  )
}
