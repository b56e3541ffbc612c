/** A list to choose from, and what all controls of a form have in common. Apart, since the first page needs no other control. */
import { ChevronDown } from 'lucide-react'
import { type ComponentProps, createContext, useContext } from 'react'
import { classNames } from './class-names.ts'

interface FieldIds {
  id: string
  describedBy: string | undefined
  isFaulty: boolean
}

/** Of the field around a control. */
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
