/** The heading of a page with its actions. Sets the window title, too. */
import type { ReactNode } from 'react'
import { useAlarmMark } from '../platform/alarm-mark.ts'
import { classNames } from './class-names.ts'

export function PageHeader({
  title,
  description,
  actions,
  windowTitle = title,
  className,
}: {
  title: string
  /** A more specific title for the window. */
  windowTitle?: string | undefined
  className?: string | undefined
  description?: ReactNode
  actions?: ReactNode
}) {
  const mark = useAlarmMark()
  return (
    <header className={classNames('mb-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-2', className)}>
      <title>{`${mark}${windowTitle} · RustyMail`}</title>
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {description && <p className="text-sm text-soft">{description}</p>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2 max-sm:w-full max-sm:*:grow">{actions}</div>}
    </header>
  )
}
