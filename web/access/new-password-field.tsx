/** The field for a new password: says while one types what is missing, or what is wrong with it. */
import type { ComponentProps } from 'react'
import { ToneIcon } from '../ui/badge.tsx'
import { Field, PasswordInput } from '../ui/field.tsx'
import { passwordHint } from './password-hint.ts'

/** @param own The address and the name of its owner. */
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
        // What the server found wrong is not praised here.
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
