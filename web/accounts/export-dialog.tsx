/** Asks for a passphrase, and exports all accounts into a file sealed with it. */
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccountsFile } from '../../contract/account-moving.ts'
import { api } from '../../contract/index.ts'
import { SignInAgainDialog } from '../approvals/sign-in-again.tsx'
import { ApiProblem, call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, PasswordInput } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useToast } from '../ui/toast.tsx'
import { useForm } from '../ui/use-form.ts'

const least = 12
const purpose = {
  title: 'Sign in again to export',
  words:
    'The file holds all passwords, so this requires a sign-in within the last 10 minutes. You return here afterwards.',
}

/** The dialog; mount it while it is open. */
export function ExportDialog({ onClose }: { onClose(): void }) {
  const toast = useToast()
  const [isSigningIn, setSigningIn] = useState(false)
  const { mutate, isPending, error } = useMutation({
    mutationFn: (passphrase: string) => call(api.accountMoving.exportAccounts, { body: { passphrase } }),
    // The file contains passwords, so it is not cached.
    gcTime: 0,
    onSuccess: file => {
      save(file)
      toast({
        tone: 'good',
        title: 'Accounts exported',
        detail: `${formatCount(file.accounts, 'account')} in the file.`,
      })
      onClose()
    },
    onError: problem => setSigningIn(problem instanceof ApiProblem && problem.code === 'recent_sign_in_required'),
  })
  const { form, bind, faultOf, note } = useForm({
    initial: { passphrase: '', again: '' },
    check: ({ passphrase, again }) => ({
      ...(passphrase.length < least && { passphrase: `Enter at least ${least} characters` }),
      ...(passphrase !== again && { again: 'Enter the same passphrase' }),
    }),
    onSubmit: ({ passphrase }) => !isPending && mutate(passphrase),
    error,
  })
  if (isSigningIn) return <SignInAgainDialog purpose={purpose} onClose={() => setSigningIn(false)} />
  return (
    <FormDialog
      title="Export all accounts"
      size="sm"
      onClose={onClose}
      submitLabel="Export"
      isBusy={isPending}
      {...form}
    >
      <p className="text-sm text-soft">
        The file holds servers, user names, passwords, signatures and settings, sealed with a passphrase. Import it on
        another server to move there. Mail and drafts are not in it.
      </p>
      <Field
        label="Passphrase"
        error={faultOf('passphrase')}
        hint="The file cannot be opened without it. Store it elsewhere."
      >
        <PasswordInput {...bind('passphrase')} autoComplete="new-password" />
      </Field>
      <Field label="Passphrase again" error={faultOf('again')}>
        <PasswordInput {...bind('again')} autoComplete="new-password" />
      </Field>
      {note && <ErrorNote error={note} />}
    </FormDialog>
  )
}

function save(file: AccountsFile): void {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `rustymail-accounts-${file.created_at.slice(0, 10)}.json`
  link.click()
  URL.revokeObjectURL(url)
}
