/** A surface with a heading and content. */
import { type ReactNode, useId } from 'react'
import { Link } from 'wouter'
import { classNames } from './class-names.ts'

export function Card({
  title,
  actions,
  children,
  footer,
  isFlush = false,
  isStale = false,
}: {
  title?: ReactNode
  /** Actions beside the heading. */
  actions?: ReactNode
  children: ReactNode
  footer?: ReactNode
  /** Removes the padding, for tables and lists that reach the edges. */
  isFlush?: boolean
  isStale?: boolean
}) {
  const id = useId()
  return (
    <section
      aria-labelledby={title ? id : undefined}
      className={classNames('min-w-0 rounded-lg border bg-surface shadow-card', isStale && 'is-stale')}
    >
      {title && (
        <header className="flex min-h-11 flex-wrap items-center justify-between gap-x-3 gap-y-1 border-b px-4 py-1.5">
          <h2 id={id} className="text-base font-semibold">
            {title}
          </h2>
          {actions && <div className="flex items-center gap-2 text-xs text-muted has-[search]:min-w-0">{actions}</div>}
        </header>
      )}
      <div className={isFlush ? undefined : 'p-4'}>{children}</div>
      {footer && <footer className="border-t px-4 py-2 text-xs text-muted">{footer}</footer>}
    </section>
  )
}

/** A figure with its unit and a small chart below. */
export function Tile({
  label,
  href,
  value,
  unit,
  detail,
  chart,
  isStale = false,
}: {
  label: string
  /** The page with more details. */
  href?: string | undefined
  value: ReactNode
  unit?: string
  detail?: ReactNode
  chart?: ReactNode
  isStale?: boolean
}) {
  return (
    <section
      aria-label={label}
      className={classNames(
        'relative flex min-w-0 flex-col rounded-lg border bg-surface p-4 shadow-card',
        isStale && 'is-stale',
      )}
    >
      <h2 className="text-xs font-medium text-muted">
        {href ? (
          // Makes the whole tile a link, while the chart on it still receives pointer events.
          <Link href={href} className="after:absolute after:inset-0 after:rounded-lg hover:text-ink hover:underline">
            {label}
          </Link>
        ) : (
          label
        )}
      </h2>
      <p className={classNames('mt-1 flex flex-wrap items-baseline gap-x-1', isStale && 'text-muted')}>
        <span className="text-2xl font-semibold tracking-tight">{value}</span>
        {unit && <span className="text-sm text-muted">{unit}</span>}
      </p>
      <div className="min-h-5 text-xs text-muted">{detail}</div>
      <div className="mt-auto pt-2">{chart}</div>
    </section>
  )
}
