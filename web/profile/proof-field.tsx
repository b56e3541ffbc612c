/** The current password, asked again before something that keeps others out or lets them in. */
import type { ComponentProps } from 'react'
import { Field, PasswordInput } from '../ui/field.tsx'

export function ProofField({
  email,
  error,
  control,
}: {
  /** For the password manager, which must know whose password it fills in. */
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
