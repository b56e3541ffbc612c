/** An icon-only button; its label is its accessible name and tooltip. */
import type { LucideIcon } from 'lucide-react'
import type { ComponentProps } from 'react'
import { classNames } from './class-names.ts'

export function IconButton({
  icon: Icon,
  label,
  className,
  ...rest
}: { icon: LucideIcon; label: string } & ComponentProps<'button'>) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={classNames(
        'inline-flex size-9 shrink-0 items-center justify-center rounded-md text-soft transition-colors',
        'hover:bg-sunken hover:text-ink disabled:opacity-60 aria-expanded:bg-sunken',
        className,
      )}
      {...rest}
    >
      <Icon className="size-4.5" aria-hidden="true" />
    </button>
  )
}
