/** A labelled form field with hint and error, and the controls for it. */
import { Eye, EyeOff } from 'lucide-react'
import { type ComponentProps, type ReactNode, useId, useState } from 'react'
import { classNames } from './class-names.ts'
import { control, FieldContext, useControl } from './select.tsx'

export { NamedOptions, Select, WordOptions } from './select.tsx'

/**
 * A field; the control inside (Input, Select, Textarea, PasswordInput) takes its id, description and error from
 * context.
 */
export function Field({
  label,
  hint,
  error,
  isOptional = false,
  children,
}: {
  label: string
  hint?: ReactNode
  error?: string | undefined
  isOptional?: boolean
  children: ReactNode
}) {
  const id = useId()
  const describedBy = describedByNotes({ id, hint, error })
  return (
    <div className="grid min-w-0 content-start gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
        {isOptional && <span className="font-normal text-muted"> (optional)</span>}
      </label>
      <FieldContext value={{ id, describedBy, isFaulty: error !== undefined }}>{children}</FieldContext>
      <FieldNotes {...{ id, hint, error }} />
    </div>
  )
}

interface Notes {
  id: string
  hint: ReactNode
  error: string | undefined
}

/** The hint and error below one or several controls. */
export function FieldNotes({ id, hint, error }: Notes) {
  return (
    <>
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-xs font-medium text-bad">
          {error}
        </p>
      )}
    </>
  )
}

/** Returns the `aria-describedby` value that references hint and error. */
export function describedByNotes({ id, hint, error }: Notes): string | undefined {
  return [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...useControl()} className={classNames(control, className)} {...rest} />
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea {...useControl()} className={classNames(control, 'py-2', className)} {...rest} />
}

/** A password input with a button to reveal it. */
export function PasswordInput({ className, ...rest }: ComponentProps<'input'>) {
  const [isShown, setShown] = useState(false)
  const Icon = isShown ? EyeOff : Eye
  return (
    <span className="relative block">
      <Input
        className={classNames('pr-10', className)}
        autoComplete="off"
        {...rest}
        type={isShown ? 'text' : 'password'}
      />
      <button
        type="button"
        aria-label={isShown ? 'Hide the password' : 'Show the password'}
        aria-pressed={isShown}
        onClick={() => setShown(!isShown)}
        className="absolute top-1/2 right-1 flex size-7 -translate-y-1/2 items-center justify-center rounded-sm text-muted hover:text-ink"
      >
        <Icon className="size-4" aria-hidden="true" />
      </button>
    </span>
  )
}

/** A switch with its label beside it. */
export function Switch({
  label,
  hint,
  isOn,
  onChange,
  disabled,
}: {
  label: string
  hint?: ReactNode
  isOn: boolean
  onChange(isOn: boolean): void
  disabled?: boolean
}) {
  const id = useId()
  return (
    <div className="flex items-start gap-3">
      <button
        type="button"
        role="switch"
        aria-checked={isOn}
        aria-labelledby={`${id}-label`}
        aria-describedby={hint ? `${id}-hint` : undefined}
        disabled={disabled}
        onClick={() => onChange(!isOn)}
        className={classNames(
          'mt-0.5 flex h-5 w-9 shrink-0 items-center rounded-full border p-0.5 transition-colors disabled:opacity-60',
          isOn ? 'justify-end border-transparent bg-accent-fill' : 'justify-start border-line-strong bg-sunken',
        )}
      >
        <span className={classNames('size-3.5 rounded-full', isOn ? 'bg-on-fill' : 'bg-line-strong')} />
      </button>
      <span className="min-w-0">
        <span id={`${id}-label`} className="block text-sm font-medium">
          {label}
        </span>
        {hint && (
          <span id={`${id}-hint`} className="block text-xs text-muted">
            {hint}
          </span>
        )}
      </span>
    </div>
  )
}
