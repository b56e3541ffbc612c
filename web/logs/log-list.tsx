/** Lines of the log, the newest first. While somebody points at them or reads one, they stay where they are. */
import { type KeyboardEvent, memo, useCallback, useRef, useState } from 'react'
import type { LogLine } from '../../contract/logs.ts'
import { heldEntries } from '../audit/held-entries.ts'
import { formatClock, formatDateTime, formatNumber } from '../platform/format.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { toneText } from '../ui/tone.ts'
import { LogDetails } from './log-details.tsx'
import { fieldWords, type LogView, levelWords } from './log-view.ts'

export function LogList({ lines, onFilter }: { lines: readonly LogLine[]; onFilter(change: Partial<LogView>): void }) {
  const [held, setHeld] = useState<readonly LogLine[]>()
  const [opened, setOpened] = useState<number>()
  const isPointed = useRef(false)
  const isFocused = useRef(false)
  const box = useRef<HTMLOListElement>(null)
  const update = (mark: { current: boolean }, isInside: boolean) => {
    mark.current = isInside
    const isHeld = isPointed.current || isFocused.current
    setHeld(before => (isHeld ? (before ?? lines) : undefined))
  }
  const toggle = useCallback((number: number) => setOpened(before => (before === number ? undefined : number)), [])
  const go = (move: Move) => goTo(box.current, move)
  usePageKeys({ j: () => go('next'), k: () => go('previous'), o: () => openFocused(box.current) })
  const onKeyDown = (event: KeyboardEvent) => {
    const move = moves[event.key]
    if (move && go(move)) event.preventDefault()
  }
  const { shown, waiting, isMore } = heldEntries(held, lines)
  // Older lines that were asked for are shown at once: they move nothing.
  const all =
    held && lines.length > held.length ? [...held, ...lines.filter(({ number }) => number < lastOf(held))] : shown
  return (
    <section
      aria-label="Lines of the log"
      onPointerEnter={() => update(isPointed, true)}
      onPointerLeave={() => update(isPointed, false)}
      onFocus={() => update(isFocused, true)}
      onBlur={() => update(isFocused, false)}
    >
      {waiting > 0 && (
        <div className="border-b p-2 text-center">
          <Button size="sm" onClick={() => setHeld(lines)}>
            Show {formatNumber(waiting)}
            {isMore && ' and more'} new
          </Button>
        </div>
      )}
      <ol ref={box} onKeyDown={onKeyDown}>
        {all.map(line => (
          <LogRow key={line.number} line={line} isOpen={opened === line.number} onToggle={toggle} onFilter={onFilter} />
        ))}
      </ol>
    </section>
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
    // What is not in sight is not laid out.
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

/** Answers whether there was such a line. */
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

function lastOf(lines: readonly LogLine[]): number {
  return lines.at(-1)?.number ?? 0
}
