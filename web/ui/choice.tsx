/** Checkboxes and radio groups. */
import { type ReactNode, useId } from 'react'
import { classNames } from './class-names.ts'

const mark = 'mt-0.75 size-4 shrink-0 accent-accent-fill disabled:opacity-60'

export function Checkbox({
  label,
  hint,
  isChecked,
  disabled = false,
  onChange,
}: {
  label: ReactNode
  hint?: ReactNode
  isChecked: boolean
  disabled?: boolean
  onChange(isChecked: boolean): void
}) {
  const id = useId()
  return (
    <ChoiceLine label={label} hint={hint} id={id} isDim={disabled}>
      <input
        id={id}
        type="checkbox"
        className={mark}
        checked={isChecked}
        disabled={disabled}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={event => onChange(event.target.checked)}
      />
    </ChoiceLine>
  )
}

export interface Choice<Value extends string> {
  value: Value
  label: string
  hint?: ReactNode
  disabled?: boolean
}

export function Radios<Value extends string>({
  legend,
  value,
  choices,
  onChange,
  disabled = false,
}: {
  legend: string
  value: Value
  choices: readonly Choice<Value>[]
  onChange(value: Value): void
  disabled?: boolean
}) {
  const name = useId()
  return (
    <fieldset className="grid min-w-0 content-start">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      {choices.map(choice => {
        const id = `${name}-${choice.value}`
        const isDisabled = disabled || choice.disabled === true
        return (
          <ChoiceLine key={choice.value} label={choice.label} hint={choice.hint} id={id} isDim={isDisabled}>
            <input
              id={id}
              type="radio"
              name={name}
              className={mark}
              checked={choice.value === value}
              disabled={isDisabled}
              aria-describedby={choice.hint ? `${id}-hint` : undefined}
              onChange={() => onChange(choice.value)}
            />
          </ChoiceLine>
        )
      })}
    </fieldset>
  )
}

function ChoiceLine({
  id,
  label,
  hint,
  isDim,
  children,
}: {
  id: string
  label: ReactNode
  hint: ReactNode
  isDim: boolean
  children: ReactNode
}) {
  return (
    <div className="flex items-start gap-2.5 py-1">
      {children}
      <div className="min-w-0 text-sm">
        <label htmlFor={id} className={classNames('block', isDim ? 'text-muted' : 'cursor-pointer')}>
          {label}
        </label>
        {hint && (
          <p id={`${id}-hint`} className="text-xs text-muted">
            {hint}
          </p>
        )}
      </div>
    </div>
  )
}
