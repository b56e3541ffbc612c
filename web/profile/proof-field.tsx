/** The current password, required before a change of credentials. */
import type { ComponentProps } from 'react'
import { Field, PasswordInput } from '../ui/field.tsx'

export function ProofField({
  email,
  error,
  control,
}: {
  /** The user's address, for password managers. */
  email: string
  error: string | undefined
  control: ComponentProps<'input'>
}) {
  return (
    <>
      <input type="email" name="username" autoComplete="username" value={email} readOnly hidden />
      <Field label="Current password" error={error}>
        <PasswordInput {...control} autoComplete="current-password" maxLength={256} />
      </Field>
    </>
  )
}
