/** A drawn chart with its legend, and the values and events under the crosshair, which keys move. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { HistoryMark } from '../../contract/history.ts'
import { formatDateTime } from '../platform/format.ts'
import type { DrawnChart } from './chart-engine.ts'
import type { ChartInfo } from './chart-list.ts'
import type { ChartShape } from './chart-shape.ts'
import { ChartTable } from './chart-table.tsx'
import { LineKey } from './line-key.tsx'
import { lineWords, marksNear, momentWords, nearWords, wholeWords } from './line-words.ts'
import type { TimeWindow } from './time-range.ts'

export interface ChartDoers {
  onZoom(from: number, to: number): void
  /** Zooms around the time under the crosshair. */
  onZoomBy(factor: number, around: number | undefined): void
}

/** Number of steps by which Page Up and Page Down divide the chart. */
const pages = 10

export function ChartDrawing({
  chart,
  shape,
  window,
  marks,
  unit,
  doers,
}: {
  chart: ChartInfo
  shape: ChartShape
  window: TimeWindow
  marks: readonly HistoryMark[]
  unit: string
  doers: ChartDoers
}) {
  const id = useId()
  const element = useRef<HTMLDivElement>(null)
  const engine = useRef<DrawnChart>(undefined)
  const [at, setAt] = useState<number>()
  const newest = useRef({ shape, window, marks, doers })
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    newest.current = { shape, window, marks, doers }
    engine.current?.show(shape, window, marks)
  }, [shape, window, marks, doers])
  useEffect(() => {
    let isOver = false
    void import('./chart-engine.ts').then(
      ({ drawChart }) => {
        if (isOver || !element.current) return
        const events = {
          onCrosshair: setAt,
          onZoom: (from: number, to: number) => newest.current.doers.onZoom(from, to),
        }
        engine.current = drawChart(element.current, chart, events, `chart ${chart.id}`)
        const { shape: known, window: shown, marks: seen } = newest.current
        engine.current.show(known, shown, seen)
      },
      () => setBroken(true),
    )
    return () => {
      isOver = true
      engine.current?.destroy()
      engine.current = undefined
    }
  }, [chart])
  const place = at === undefined ? undefined : nearestPlace(shape.at, at)
  const moment = place === undefined ? undefined : shape.at[place]
  const near = moment === undefined ? [] : marksNear(marks, moment, shape.stepSeconds, window)
  const move = (event: KeyboardEvent) => {
    const last = shape.at.length - 1
    const page = Math.max(1, Math.round(last / pages))
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -page, PageUp: page, Home: -last, End: last }[event.key]
    const factor = { '+': 0.5, '-': 2 }[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey || (step === undefined && factor === undefined)) return
    event.preventDefault()
    if (factor !== undefined) return doers.onZoomBy(factor, moment)
    const next = Math.min(last, Math.max(0, (place ?? last) + step!))
    setAt(shape.at[next]!)
    engine.current?.moveCrosshair(shape.at[next]!)
  }
  const first = shape.at[0] ?? window.from
  const spoken = momentWords(chart, shape, place ?? shape.at.length - 1, unit, near)
  if (isBroken) return <ChartTable chart={chart} shape={shape} unit={unit} />
  return (
    <div className="grid gap-1.5">
      <Legend chart={chart} shape={shape} place={place} />
      {/* The keys move the crosshair of all charts; the values under it are shown as text. */}
      <div
        ref={element}
        role="slider"
        tabIndex={0}
        aria-label={chart.title}
        aria-describedby={`${id}-near`}
        aria-valuemin={first}
        aria-valuemax={shape.at.at(-1) ?? window.to}
        aria-valuenow={moment ?? shape.at.at(-1) ?? window.to}
        aria-valuetext={spoken}
        onKeyDown={move}
        className="h-45 min-w-0 overflow-hidden rounded-sm"
      />
      <p id={`${id}-near`} className="min-h-5 truncate text-xs text-muted">
        {moment !== undefined && <span className="text-soft">{formatDateTime(moment * 1000)}</span>}
        {near.length > 0 && <span title={near.map(({ words }) => words).join('\n')}> · {nearWords(near)}</span>}
      </p>
    </div>
  )
}

/** @param place Index of the moment under the crosshair. */
function Legend({ chart, shape, place }: { chart: ChartInfo; shape: ChartShape; place: number | undefined }) {
  return (
    <ul className="flex min-h-5 flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
      {shape.lines.map((line, index) => (
        <li key={line.label} className="flex min-w-0 items-center gap-1.5">
          <LineKey index={index} />
          <span className="min-w-0">
            <bdi>{line.label}</bdi>{' '}
            <span className="font-medium text-ink">
              {place === undefined ? wholeWords(chart, line) : lineWords(chart, line, place)}
            </span>
          </span>
        </li>
      ))}
      {shape.lines.some(({ before }) => before) && <li className="text-muted">Dashed: previous period</li>}
      {shape.leftOut > 0 && <li className="text-muted">{shape.leftOut} more are in the file</li>}
    </ul>
  )
}

/** Returns the index of the closest time; undefined if there are none. */
function nearestPlace(times: readonly number[], at: number): number | undefined {
  const after = times.findIndex(time => time >= at)
  if (after <= 0) return after === 0 ? 0 : times.length > 0 ? times.length - 1 : undefined
  return at - times[after - 1]! < times[after]! - at ? after - 1 : after
}
