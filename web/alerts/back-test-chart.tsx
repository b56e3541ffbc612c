/** A chart of one alert's past values: both thresholds, when it would have fired, and the value under the crosshair. */
import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import type { AlertRuleBody, BackTest } from '../../contract/alerts.ts'
import { formatMinute } from '../platform/format.ts'
import { classNames } from '../ui/class-names.ts'
import { backTestShape } from './back-test-shape.ts'
import { formatFigure, type Unit } from './rule-figures.ts'

export type Tried = BackTest['instances'][number]

/** @param name The alert's labels; empty if the rule has a single alert. */
export function BackTestChart({
  rule,
  data,
  instance,
  unit,
  name,
}: {
  rule: AlertRuleBody
  data: BackTest
  instance: Tried
  unit: Unit
  name: string
}) {
  const [place, setPlace] = useState<number>()
  const { line, threshold, clear, bands, low, high } = backTestShape(rule, data, instance)
  const [begin, end] = [Date.parse(data.from) / 1000, Date.parse(data.to) / 1000]
  const last = instance.at.length - 1
  const at = place === undefined ? undefined : instance.at[Math.min(place, last)]
  const value = place === undefined ? undefined : instance.values[Math.min(place, last)]
  const isFiring = at !== undefined && isFiringAt(instance, at)
  const say = (figure: number) => formatFigure(figure, unit)
  const valueWords = value === null || value === undefined ? 'no value' : say(value)
  const words = at === undefined ? '' : `${formatMinute(at * 1000)}: ${valueWords}${isFiring ? ', firing' : ''}`
  const toPointer = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    const wanted = begin + ((event.clientX - box.left) / Math.max(1, box.width)) * (end - begin)
    setPlace(nearest(instance.at, wanted))
  }
  const toKey = (event: KeyboardEvent) => {
    const from = place ?? last
    const big = Math.max(1, Math.round(last / 10))
    const next = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      PageUp: from + big,
      PageDown: from - big,
      Home: 0,
      End: last,
    }[event.key]
    if (next === undefined || last < 0) return
    event.preventDefault()
    setPlace(Math.max(0, Math.min(last, next)))
  }
  const label = `${name || 'Values'}: would have fired ${instance.fired} times`
  return (
    <figure className="grid gap-1">
      <figcaption className="flex flex-wrap justify-between gap-x-3 text-xs">
        <bdi className="font-medium">{name}</bdi>
        <span className="text-muted">
          {words || (instance.fired > 0 ? `fired ${instance.fired} ×` : 'did not fire')}
        </span>
      </figcaption>
      <div className="grid grid-cols-[auto_1fr] gap-x-2">
        <div className="relative w-16 text-right text-2xs text-muted" aria-hidden="true">
          <span className="absolute top-0 right-0">{say(high)}</span>
          <span className="absolute right-0 bottom-0">{say(low)}</span>
        </div>
        <div
          role="slider"
          tabIndex={0}
          aria-label={label}
          aria-valuemin={begin}
          aria-valuemax={end}
          aria-valuenow={at ?? end}
          aria-valuetext={words || label}
          onPointerMove={toPointer}
          onPointerLeave={() => setPlace(undefined)}
          onKeyDown={toKey}
          className="relative h-24 rounded-sm border-b border-l"
        >
          <svg viewBox="0 0 100 100" preserveAspectRatio="none" className="block size-full" aria-hidden="true">
            {bands.map(({ from, width }) => (
              <rect key={from} x={from} y="0" width={width} height="100" className="fill-current text-bad opacity-25" />
            ))}
            <Level at={threshold} className="text-bad" />
            {clear !== undefined && <Level at={clear} className="text-good" isDashed />}
            <path d={line} className="fill-none stroke-current text-accent" vectorEffect="non-scaling-stroke" />
            {at !== undefined && (
              <path
                d={`M${((at - begin) / Math.max(1, end - begin)) * 100} 0V100`}
                className="fill-none stroke-current text-muted"
                vectorEffect="non-scaling-stroke"
              />
            )}
          </svg>
        </div>
        <span />
        <div className="flex justify-between text-2xs text-muted" aria-hidden="true">
          <span>{formatMinute(begin * 1000)}</span>
          <span>{formatMinute(end * 1000)}</span>
        </div>
      </div>
    </figure>
  )
}

function Level({ at, className, isDashed = false }: { at: number; className: string; isDashed?: boolean }) {
  return (
    <path
      d={`M0 ${at}H100`}
      className={classNames('fill-none stroke-current', className)}
      strokeDasharray={isDashed ? '6 4' : undefined}
      vectorEffect="non-scaling-stroke"
    />
  )
}

function isFiringAt({ firings }: Tried, at: number): boolean {
  return firings.some(({ from, to }) => at * 1000 >= Date.parse(from) && (to === null || at * 1000 < Date.parse(to)))
}

/** Returns the index of the closest time. */
function nearest(times: readonly number[], wanted: number): number {
  let [low, high] = [0, times.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return low > 0 && wanted - times[low - 1]! < times[low]! - wanted ? low - 1 : low
}
