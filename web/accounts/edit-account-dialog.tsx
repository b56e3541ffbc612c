/** Edits an account; only changes are sent, and only changed servers are tested. */
import { useRef, useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { Button } from '../ui/button.tsx'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { type AccountDraft, changeOf, draftOf, type Faults, faultsOf, withoutEdited } from './account-draft.ts'
import { faultsOfError } from './form-faults.ts'
import { ServerFields } from './server-fields.tsx'
import { SmtpSection } from './smtp-section.tsx'
import { FailureNote, troubleOf } from './trouble-note.tsx'
import { useChangeAccount } from './use-accounts.ts'
import { useFieldFocus } from './use-dialog-focus.ts'

const keepHint = 'Leave empty to keep the current one.'

/** The dialog; mount it while it is open. */
export function EditAccountDialog({ account, onClose }: { account: Account; onClose(): void }) {
  const [draft, setDraft] = useState(() => draftOf(account))
  const [faults, setFaults] = useState<Faults>({})
  const [attempt, setAttempt] = useState(0)
  const { mutate, isPending, error } = useChangeAccount(account)
  const form = useRef<HTMLFormElement>(null)
  useFieldFocus(form, attempt)
  const edit = (edited: AccountDraft) => {
    setFaults(withoutEdited(faults, draft, edited))
    setDraft(edited)
  }
  const judge = (found: Faults) => {
    setFaults(found)
    setAttempt(before => before + 1)
  }
  const save = (verify: boolean) => {
    const found = faultsOf(draft, account)
    judge(found)
    if (Object.keys(found).length > 0) return
    const change = changeOf(account, draft)
    if (Object.keys(change).length === 0) return onClose()
    mutate({ change, verify, said: 'Saved' }, { onSuccess: onClose, onError: failure => judge(faultsOfError(failure)) })
  }
  const submit = () => {
    if (!isPending) save(true)
  }
  return (
    <FormDialog
      onClose={onClose}
      title={`Edit ${account.name}`}
      size="lg"
      submitLabel={isPending ? 'Testing the servers' : 'Save'}
      isBusy={isPending}
      moreButtons={
        error &&
        troubleOf(error) && (
          <Button variant="quiet" disabled={isPending} onClick={() => save(false)}>
            Save without testing
          </Button>
        )
      }
      ref={form}
      noValidate
      autoComplete="off"
      onSubmit={submit}
    >
      {error && <FailureNote error={error} onAllowed={{ label: 'save', act: () => save(true) }} />}
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Name" hint="Shown in lists and on pages." isOptional error={faults.name}>
          <Input
            value={draft.name}
            onChange={event => edit({ ...draft, name: event.target.value })}
            autoComplete="off"
            maxLength={100}
          />
        </Field>
        <Field label="Address" error={faults.email}>
          <Input
            type="email"
            value={draft.email}
            onChange={event => edit({ ...draft, email: event.target.value })}
            autoComplete="off"
          />
        </Field>
      </div>
      <div className="border-t pt-4">
        <ServerFields
          part="imap"
          legend="Incoming mail (IMAP)"
          server={draft.imap}
          faults={faults}
          passwordHint={keepHint}
          onChange={imap => edit({ ...draft, imap })}
        />
      </div>
      <SmtpSection
        draft={draft}
        faults={faults}
        passwordHint={account.smtp ? keepHint : 'Usually the same as for IMAP.'}
        onChange={edit}
      />
    </FormDialog>
  )
}
