/** One of the three panes of the page: a head, a scrolling body, and a foot. */
import type { ReactNode } from 'react'
import { classNames } from '../ui/class-names.ts'

export function Pane({
  label,
  head,
  foot,
  children,
  className,
}: {
  label: string
  head?: ReactNode
  foot?: ReactNode
  /** The body; it scrolls independently and fills the remaining height. */
  children: ReactNode
  className: string
}) {
  return (
    <section aria-label={label} className={classNames('min-h-0 min-w-0 flex-col', className)}>
      {head && <header className="flex min-h-11 shrink-0 items-center gap-2 border-b py-1 pr-1.5 pl-3">{head}</header>}
      {children}
      {foot && <footer className="shrink-0 border-t px-3 py-1.5 text-xs text-muted">{foot}</footer>}
    </section>
  )
}
