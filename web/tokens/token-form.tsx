/** The dialog that creates or edits a token. */
import { useMemo, useRef, useState } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useFieldFocus } from '../accounts/use-dialog-focus.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { faultsOf, type InitialDraft, type TokenDraft, type TokenFaults } from './token-draft.ts'
import { TokenFields } from './token-fields.tsx'

export function TokenForm({
  title,
  submitLabel,
  initial,
  keptExpiry,
  isBusy,
  error,
  onSubmit,
  onClose,
}: {
  title: string
  submitLabel: string
  initial: InitialDraft
  keptExpiry?: string
  isBusy: boolean
  error: Error | null
  onSubmit(draft: TokenDraft): void
  onClose(): void
}) {
  const [edited, setEdited] = useState(initial)
  const accounts = useAccounts().data?.items
  // A single account is preselected, even if it becomes known after the dialog has opened.
  const only = useMemo(() => (accounts?.length === 1 ? accounts.map(({ id }) => id) : []), [accounts])
  const draft = { ...edited, accounts: edited.accounts ?? only }
  const [faults, setFaults] = useState<TokenFaults>({})
  const [attempt, setAttempt] = useState(0)
  const form = useRef<HTMLFormElement>(null)
  useFieldFocus(form, attempt)
  const submit = () => {
    if (isBusy) return
    const found = faultsOf(draft)
    setFaults(found)
    if (Object.keys(found).length === 0) return onSubmit(draft)
    setAttempt(before => before + 1)
  }
  const edit = (next: TokenDraft) => {
    const hasChosen = next.accounts !== draft.accounts
    setEdited({ ...next, accounts: hasChosen ? next.accounts : edited.accounts })
    setFaults({})
  }
  return (
    <FormDialog
      onClose={onClose}
      title={title}
      size="lg"
      submitLabel={submitLabel}
      isBusy={isBusy}
      ref={form}
      noValidate
      autoComplete="off"
      onSubmit={submit}
    >
      {error && <ErrorNote error={error} />}
      <TokenFields
        draft={draft}
        faults={{ ...answered(error), ...faults }}
        {...(keptExpiry === undefined ? {} : { keptExpiry })}
        onChange={edit}
      />
    </FormDialog>
  )
}

/** Returns the server's errors by field. */
function answered(error: Error | null): TokenFaults {
  if (!(error instanceof ApiProblem)) return {}
  const address = error.body.errors?.find(({ path }) => path.startsWith('body.allowed_addresses'))?.message
  const name = error.faultOf('body.name')
  const accounts = error.faultOf('body.accounts')
  return {
    ...(name && { name }),
    ...(address && { addresses: `One of them ${address}.` }),
    ...(accounts && { accounts: `It ${accounts}.` }),
    ...(error.code === 'account_not_found' && { accounts: error.body.detail }),
  }
}
