/** A table that scrolls in its own container, and on phones may stack each row into a card, whose cells show their labels. */
import { ArrowDown, ArrowUp, ArrowUpDown } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { classNames } from './class-names.ts'

export function Table({
  label,
  children,
  isStacked = false,
  ...rest
}: {
  label: string
  children: ReactNode
  /** Whether rows become cards on phones. */
  isStacked?: boolean
} & ComponentProps<'section'>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="relative overflow-x-auto" {...rest}>
      <table
        aria-label={label}
        className={classNames(
          'group/table w-full border-collapse text-left text-sm',
          isStacked && 'is-stacked max-sm:block',
        )}
      >
        {children}
      </table>
    </section>
  )
}

export function TableHead({ children }: { children: ReactNode }) {
  return (
    <thead className="group-[.is-stacked]/table:max-sm:sr-only">
      <tr className="border-b bg-sunken/50">{children}</tr>
    </thead>
  )
}

export function TableBody({ children }: { children: ReactNode }) {
  return <tbody className="group-[.is-stacked]/table:max-sm:block">{children}</tbody>
}

export function TableRow({ className, ...rest }: ComponentProps<'tr'>) {
  const stacked =
    'group-[.is-stacked]/table:max-sm:grid group-[.is-stacked]/table:max-sm:grid-cols-2 group-[.is-stacked]/table:max-sm:gap-x-4 group-[.is-stacked]/table:max-sm:gap-y-2 group-[.is-stacked]/table:max-sm:p-4'
  return <tr className={classNames('border-b last:border-b-0 hover:bg-sunken/50', stacked, className)} {...rest} />
}

export type SortOrder = 'asc' | 'desc'

/** @param sort Undefined where the column cannot be sorted by. */
export function ColumnHead({
  children,
  align = 'left',
  sort,
}: {
  children: ReactNode
  align?: 'left' | 'right'
  sort?: { order: SortOrder | undefined; onSort(): void }
}) {
  const order = sort?.order
  const Icon = order === 'asc' ? ArrowUp : order === 'desc' ? ArrowDown : ArrowUpDown
  return (
    <th
      scope="col"
      aria-sort={order && (order === 'asc' ? 'ascending' : 'descending')}
      className={classNames(
        'px-2.5 py-2 text-xs font-medium whitespace-nowrap text-muted',
        align === 'right' && 'text-right',
      )}
    >
      {sort ? (
        <button
          type="button"
          onClick={sort.onSort}
          className={classNames('inline-flex items-center gap-1 rounded-sm hover:text-ink', order && 'text-ink')}
        >
          {children}
          <Icon className={classNames('size-3', !order && 'opacity-50')} aria-hidden="true" />
        </button>
      ) : (
        children
      )}
    </th>
  )
}

/** @param label What stands before the value when rows are cards. */
export function Cell({
  children,
  label,
  align = 'left',
  className,
}: {
  children: ReactNode
  label?: string
  align?: 'left' | 'right'
  className?: string
}) {
  return (
    <td
      className={classNames(
        'px-2.5 py-2 align-middle',
        align === 'right' && 'text-right',
        'group-[.is-stacked]/table:max-sm:block group-[.is-stacked]/table:max-sm:p-0 group-[.is-stacked]/table:max-sm:text-left',
        !label && 'group-[.is-stacked]/table:max-sm:col-span-2',
        className,
      )}
    >
      {label && (
        <span aria-hidden="true" className="hidden text-xs text-muted group-[.is-stacked]/table:max-sm:block">
          {label}
        </span>
      )}
      {children}
    </td>
  )
}
