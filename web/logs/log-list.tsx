/** Log lines, newest first; they hold still while hovered or expanded. */
import { type KeyboardEvent, memo, useCallback, useRef, useState } from 'react'
import type { LogLine } from '../../contract/logs.ts'
import { formatClock, formatDateTime } from '../platform/format.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { HeldRows } from '../ui/held-rows.tsx'
import { toneText } from '../ui/tone.ts'
import { LogDetails } from './log-details.tsx'
import { fieldWords, type LogView, levelWords } from './log-view.ts'

export function LogList({ lines, onFilter }: { lines: readonly LogLine[]; onFilter(change: Partial<LogView>): void }) {
  const [opened, setOpened] = useState<number>()
  const box = useRef<HTMLOListElement>(null)
  const toggle = useCallback((number: number) => setOpened(before => (before === number ? undefined : number)), [])
  const go = (move: Move) => goTo(box.current, move)
  usePageKeys({ j: () => go('next'), k: () => go('previous'), o: () => openFocused(box.current) })
  const onKeyDown = (event: KeyboardEvent) => {
    const move = moves[event.key]
    if (move && go(move)) event.preventDefault()
  }
  return (
    <HeldRows label="Lines of the log" rows={lines}>
      {shown => (
        <ol ref={box} onKeyDown={onKeyDown}>
          {shown.map(line => (
            <LogRow
              key={line.number}
              line={line}
              isOpen={opened === line.number}
              onToggle={toggle}
              onFilter={onFilter}
            />
          ))}
        </ol>
      )}
    </HeldRows>
  )
}

const LogRow = memo(function LogRow({
  line,
  isOpen,
  onToggle,
  onFilter,
}: {
  line: LogLine
  isOpen: boolean
  onToggle(number: number): void
  onFilter(change: Partial<LogView>): void
}) {
  const { tone, text } = levelWords[line.level]
  const at = Date.parse(line.at)
  return (
    // Off-screen lines are not laid out.
    <li className="border-b [contain-intrinsic-size:auto_2.25rem] [content-visibility:auto] last:border-b-0">
      <button
        type="button"
        data-line
        aria-expanded={isOpen}
        onClick={() => onToggle(line.number)}
        className="flex min-h-9 w-full min-w-0 flex-wrap items-center gap-x-3 px-4 py-1.5 text-left text-sm hover:bg-sunken/50 sm:flex-nowrap"
      >
        <time dateTime={line.at} title={formatDateTime(at)} className="shrink-0 font-mono text-xs text-muted">
          {formatClock(at)}
        </time>
        <span
          className={classNames('inline-flex shrink-0 items-center gap-1 text-xs font-medium sm:w-20', toneText[tone])}
        >
          <ToneIcon tone={tone} />
          {text}
        </span>
        <span className="min-w-0 shrink-0 break-words max-sm:basis-full sm:max-w-1/2">{line.message}</span>
        <span className="min-w-0 truncate font-mono text-xs text-muted max-sm:basis-full">{fieldWords(line)}</span>
      </button>
      {isOpen && <LogDetails line={line} onFilter={onFilter} />}
    </li>
  )
})

type Move = 'next' | 'previous' | 'first' | 'last'
const moves: Readonly<Record<string, Move>> = { ArrowDown: 'next', ArrowUp: 'previous', Home: 'first', End: 'last' }

/** Moves the focus; returns whether there was such a line. */
function goTo(box: HTMLElement | null, move: Move): boolean {
  const rows = [...(box?.querySelectorAll<HTMLElement>('[data-line]') ?? [])]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  const to = { next: at + 1, previous: Math.max(0, at - 1), first: 0, last: rows.length - 1 }[move]
  rows[to]?.focus()
  return rows[to] !== undefined
}

function openFocused(box: HTMLElement | null): boolean {
  const row = document.activeElement
  if (!(row instanceof HTMLElement) || !row.matches('[data-line]') || !box?.contains(row)) return false
  row.click()
  return true
}
