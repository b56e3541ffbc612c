/** Chooses the time range of all charts. */
import { ChevronLeft, ChevronRight, ZoomOut } from 'lucide-react'
import { formatSpan } from '../platform/format.ts'
import { classNames } from '../ui/class-names.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { Field, Input, Switch } from '../ui/field.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { zoneAt } from './time-labels.ts'
import {
  type AnalyticsView,
  addressOfWindow,
  isoOf,
  moved,
  type RangeName,
  rangeNames,
  type TimeWindow,
  zoomed,
} from './time-range.ts'

/** Short labels are for phones, where all six stand side by side. */
const names: Record<RangeName, readonly [name: string, short: string]> = {
  '15m': ['15 min', '15 min'],
  '1h': ['1 hour', '1 h'],
  '24h': ['24 hours', '24 h'],
  '7d': ['7 days', '7 d'],
  '30d': ['30 days', '30 d'],
  '1y': ['1 year', '1 y'],
}

export function RangeBar({
  view,
  window,
  now,
  setView,
}: {
  view: AnalyticsView
  window: TimeWindow
  now: number
  setView(change: Partial<AnalyticsView>): void
}) {
  const show = (shown: TimeWindow) => setView(addressOfWindow(shown))
  const link = new URL(
    `/analytics?${new URLSearchParams({ ...addressOfWindow(window), ...chartOf(view) })}`,
    location.href,
  )
  const setTime = (end: 'from' | 'to', local: string) => {
    const at = new Date(local).getTime() / 1000
    const next = { ...window, [end]: at }
    if (Number.isFinite(at) && next.from < next.to) show(next)
  }
  return (
    <search aria-label="Time" className="mb-4 grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <fieldset className="grid w-full grid-cols-6 gap-0.5 rounded-md border border-line-strong p-0.5 sm:flex sm:w-auto">
          <legend className="sr-only">Range up to now</legend>
          {rangeNames.map(name => (
            <button
              key={name}
              type="button"
              aria-pressed={window.isLive && view.range === name}
              onClick={() => setView({ range: name, from: '', to: '' })}
              className={classNames(
                'relative min-h-9 rounded-sm text-sm whitespace-nowrap sm:min-h-8 sm:px-2.5',
                window.isLive && view.range === name ? 'bg-accent-fill text-on-fill' : 'text-soft hover:bg-sunken',
              )}
            >
              <span className="max-sm:sr-only">{names[name][0]}</span>
              <span aria-hidden="true" className="sm:hidden">
                {names[name][1]}
              </span>
            </button>
          ))}
        </fieldset>
        <div className="flex">
          <IconButton icon={ChevronLeft} label="Earlier" onClick={() => show(moved(window, -0.5, now))} />
          <IconButton
            icon={ChevronRight}
            label="Later"
            disabled={window.to >= now - 1}
            onClick={() => show(moved(window, 0.5, now))}
          />
          <IconButton icon={ZoomOut} label="Show more time" onClick={() => show(zoomed(window, 2, now))} />
        </div>
        <p role="status" className="text-sm text-soft">
          {formatSpan(window.from * 1000, window.to * 1000)}{' '}
          <span className="text-muted">{zoneAt(window.to * 1000)}</span>{' '}
          <CopyButton text={link.href} label="Copy a link to this time" />
        </p>
      </div>
      <div className="flex flex-wrap items-end gap-x-4 gap-y-2">
        <Field label="From">
          <Input
            key={isoOf(Math.floor(window.from / 60) * 60)}
            type="datetime-local"
            defaultValue={localOf(window.from)}
            max={localOf(window.to)}
            onBlur={event => event.target.value !== localOf(window.from) && setTime('from', event.target.value)}
          />
        </Field>
        <Field label="To">
          <Input
            key={isoOf(Math.floor(window.to / 60) * 60)}
            type="datetime-local"
            defaultValue={localOf(window.to)}
            max={localOf(now)}
            onBlur={event => event.target.value !== localOf(window.to) && setTime('to', event.target.value)}
          />
        </Field>
        <div className="pb-1.5">
          <Switch
            label="Compare with previous period"
            isOn={view.compare !== 'off'}
            onChange={isOn => setView({ compare: isOn ? '' : 'off' })}
          />
        </div>
      </div>
    </search>
  )
}

function chartOf({ chart }: AnalyticsView): Record<string, string> {
  return chart ? { chart } : {}
}

/** Formats a time for `datetime-local`, in this machine's time zone. */
function localOf(seconds: number): string {
  const date = new Date(seconds * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
