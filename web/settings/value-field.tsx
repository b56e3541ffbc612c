/** A text or number field of the configuration. */
import { Field, Input } from '../ui/field.tsx'
import { allFields, type FieldName, limitsOf } from './configuration-fields.ts'

export function ValueField({
  name,
  value,
  isDisabled,
  error,
  onChange,
}: {
  name: FieldName
  value: string
  isDisabled: boolean
  error: string | undefined
  onChange(value: string): void
}) {
  const { label, hint, unit } = allFields.find(field => field.name === name)!
  const limits = limitsOf(name)
  const range = limits && `${limits.min} to ${limits.max}.`
  return (
    <Field label={unit ? `${label} (${unit})` : label} hint={[hint, range].filter(Boolean).join(' ')} error={error}>
      <Input
        name={name}
        value={value}
        onChange={event => onChange(event.target.value)}
        inputMode={limits ? 'numeric' : 'text'}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        disabled={isDisabled}
      />
    </Field>
  )
}
