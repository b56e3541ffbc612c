/** A table in its own scroll container. Where that is narrow, rows may stack into labelled cards or two lines. */
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
  /** Whether rows become cards in a narrow container. */
  isStacked?: boolean
} & ComponentProps<'section'>) {
  return (
    <section
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
      className={classNames('relative overflow-x-auto', isStacked && '@container/rows')}
      {...rest}
    >
      <table aria-label={label} className="w-full border-collapse text-left text-sm stacked:block">
        {children}
      </table>
    </section>
  )
}

/** The head of the table; above cards it shows only the columns that can be sorted. */
export function TableHead({ children }: { children: ReactNode }) {
  return (
    <thead className="stacked:block stacked:not-has-[button]:sr-only">
      <tr className="border-b bg-sunken/50 stacked:flex stacked:flex-wrap stacked:px-2">{children}</tr>
    </thead>
  )
}

export function TableBody({ children }: { children: ReactNode }) {
  return <tbody className="stacked:block">{children}</tbody>
}

const stacks = {
  card: 'stacked:grid stacked:grid-cols-[repeat(auto-fill,minmax(min(9rem,50%-0.5rem),1fr))] stacked:gap-x-4 stacked:gap-y-2 stacked:p-4',
  lines:
    'stacked:grid stacked:grid-cols-[minmax(0,1fr)_auto_auto] stacked:items-center stacked:gap-x-2 stacked:py-2 stacked:pr-2 stacked:pl-4',
} as const

/**
 * A row.
 * @param stack How it stacks in a narrow container; for two lines, each cell names its place by `line`.
 */
export function TableRow({
  className,
  stack = 'card',
  ...rest
}: ComponentProps<'tr'> & { stack?: keyof typeof stacks }) {
  return (
    <tr className={classNames('border-b last:border-b-0 hover:bg-sunken/50', stacks[stack], className)} {...rest} />
  )
}

export type SortOrder = 'asc' | 'desc'

/**
 * A column head.
 * @param sort Undefined if the column cannot be sorted.
 */
export function ColumnHead({
  children,
  align = 'left',
  className,
  sort,
}: {
  children: ReactNode
  align?: 'left' | 'right'
  className?: string
  sort?: { order: SortOrder | undefined; onSort(): void }
}) {
  const order = sort?.order
  const Icon = order === 'asc' ? ArrowUp : order === 'desc' ? ArrowDown : ArrowUpDown
  return (
    <th
      scope="col"
      aria-sort={order && (order === 'asc' ? 'ascending' : 'descending')}
      className={classNames(
        'px-2 py-2 text-xs font-medium whitespace-nowrap text-muted first:pl-4 last:pr-4',
        align === 'right' && 'text-right',
        'stacked:first:pl-2 stacked:last:pr-2',
        !sort && 'stacked:sr-only',
        className,
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

/** Places in a two-line row; cells without a place are hidden there. */
const lines = {
  name: 'stacked:col-start-1 stacked:row-start-1',
  state: 'stacked:col-start-2 stacked:row-start-1',
  /** The second line, hidden in a full row: a single cell, so that its text is truncated at the end. */
  more: 'stacked:col-start-1 stacked:col-span-2 stacked:row-start-2',
  actions: 'stacked:col-start-3 stacked:row-start-1 stacked:row-span-2',
  none: 'stacked:hidden',
} as const

/** A cell of a row that stacks into two lines. */
export function LineCell({
  children,
  line,
  align = 'left',
  className,
}: {
  children: ReactNode
  line: keyof typeof lines
  align?: 'left' | 'right'
  className?: string
}) {
  return (
    <td
      className={classNames(
        'px-2 py-2 align-middle first:pl-4 last:pr-4',
        align === 'right' && 'text-right',
        line === 'more' && 'hidden truncate text-xs text-muted',
        line !== 'none' && 'stacked:block stacked:min-w-0 stacked:p-0 stacked:text-left',
        line !== 'none' && 'stacked:first:pl-0 stacked:last:pr-0',
        lines[line],
        className,
      )}
    >
      {children}
    </td>
  )
}

/**
 * A cell.
 * @param label Shown before the value when rows are cards.
 */
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
        'px-2 py-2 align-middle first:pl-4 last:pr-4',
        align === 'right' && 'text-right',
        'stacked:block stacked:min-w-0 stacked:p-0 stacked:text-left stacked:wrap-anywhere stacked:first:pl-0 stacked:last:pr-0',
        !label && 'stacked:col-span-full',
        className,
      )}
    >
      {label && (
        <span aria-hidden="true" className="hidden text-xs text-muted stacked:block">
          {label}
        </span>
      )}
      {children}
    </td>
  )
}
