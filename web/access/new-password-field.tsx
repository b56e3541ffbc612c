/** A new-password field that says while typing what is missing or wrong. */
import type { ComponentProps } from 'react'
import { ToneIcon } from '../ui/badge.tsx'
import { Field, PasswordInput } from '../ui/field.tsx'
import { passwordHint } from './password-hint.ts'

/** @param own The user's address and name. */
export function NewPasswordField({
  label = 'Password',
  own,
  error,
  control,
}: {
  label?: string
  own: readonly string[]
  error: string | undefined
  control: ComponentProps<'input'> & { value: string }
}) {
  const { tone, text } = passwordHint(control.value, own)
  return (
    <Field
      label={label}
      error={error}
      hint={
        // A password that the server has rejected gets no positive hint.
        error === undefined && (
          <span className="flex items-start gap-1.5">
            <span className="mt-0.5">
              <ToneIcon tone={tone} />
            </span>
            {text}
          </span>
        )
      }
    >
      <PasswordInput {...control} autoComplete="new-password" maxLength={256} />
    </Field>
  )
}
