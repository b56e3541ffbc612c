/** A select, and what all form controls share. In a file of its own, since the first page needs no other control. */
import { ChevronDown } from 'lucide-react'
import { type ComponentProps, createContext, type ReactNode, useContext } from 'react'
import { classNames } from './class-names.ts'

interface FieldIds {
  id: string
  describedBy: string | undefined
  isFaulty: boolean
}

/** IDs that a field provides to its control. */
export const FieldContext = createContext<FieldIds | undefined>(undefined)

export const control = classNames(
  'w-full min-h-9 rounded-md border border-line-strong bg-surface px-2.5 text-base text-ink',
  'aria-invalid:border-bad disabled:opacity-60 disabled:cursor-not-allowed',
)

export function useControl() {
  const field = useContext(FieldContext)
  return { id: field?.id, 'aria-describedby': field?.describedBy, 'aria-invalid': field?.isFaulty || undefined }
}

export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className="relative block">
      <select {...useControl()} className={classNames(control, 'appearance-none pr-8', className)} {...rest}>
        {children}
      </select>
      <ChevronDown
        className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-muted"
        aria-hidden="true"
      />
    </span>
  )
}

/** A small select in a panel's head, which filters the panel. */
export function FilterSelect({
  label,
  value,
  className,
  onChange,
  children,
}: {
  label: string
  value: string
  /** Class names, including the width. */
  className: string
  onChange(value: string): void
  children: ReactNode
}) {
  return (
    <span className={classNames('min-w-0', className)}>
      <Select
        aria-label={label}
        className="min-h-7! py-0 text-xs!"
        value={value}
        onChange={event => onChange(event.target.value)}
      >
        {children}
      </Select>
    </span>
  )
}

/**
 * One option per value.
 * @param words Labels by value.
 */
export function WordOptions({ words }: { words: Readonly<Record<string, string>> }) {
  return Object.entries(words).map(([value, text]) => (
    <option key={value} value={value}>
      {text}
    </option>
  ))
}

/**
 * One option per named item.
 * @param chosen Offered even if no item has this ID, because an address may contain it.
 */
export function NamedOptions({
  items,
  chosen = '',
}: {
  items: readonly { id: string; name: string }[]
  chosen?: string
}) {
  return (
    <>
      {items.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
      {chosen !== '' && items.every(({ id }) => id !== chosen) && <option value={chosen}>{chosen}</option>}
    </>
  )
}
