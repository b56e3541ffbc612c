/** A small chart of the last minutes, with its summary as text for screen readers. */
import { formatNumber } from '../platform/format.ts'
import { type Reading, sparklineShape } from './sparkline-path.ts'

/**
 * A sparkline.
 * @param top The value at the upper edge; by default a little above the highest reading.
 * @param endAt The right edge in epoch seconds; the last reading by default.
 * @param words Replaces the summary of lowest, highest and current value.
 * @param format Formats a value with its unit.
 */
export function Sparkline({
  label,
  readings,
  windowSeconds,
  top,
  endAt,
  format = formatNumber,
  words,
}: {
  label: string
  readings: readonly Reading[]
  windowSeconds: number
  top?: number | undefined
  endAt?: number | undefined
  format?: (value: number) => string
  words?: string | undefined
}) {
  const values = readings.map(({ value }) => value)
  const highest = Math.max(0, ...values)
  const shape = sparklineShape(readings, windowSeconds, top ?? Math.max(highest * 1.15, 1), endAt)
  const spoken = words ?? summary(label, values, Math.round(windowSeconds / 60), format, isUpToDate(readings, endAt))
  return (
    <svg
      role="img"
      aria-label={spoken}
      viewBox="0 -4 100 108"
      preserveAspectRatio="none"
      className="block h-9 w-full overflow-visible border-b"
    >
      <title>{spoken}</title>
      <path d={shape.area} className="fill-accent-tint" />
      <path
        d={shape.line}
        className="fill-transparent stroke-accent"
        strokeWidth={1.5}
        strokeLinecap="round"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}

function isUpToDate(readings: readonly Reading[], endAt: number | undefined): boolean {
  return endAt === undefined || readings.at(-1)?.at === endAt
}

function summary(
  label: string,
  values: readonly number[],
  minutes: number,
  format: (value: number) => string,
  hasNow: boolean,
): string {
  if (values.length === 0) return `${label}: no reading yet`
  const [lowest, highest] = [Math.min(...values), Math.max(...values)].map(format)
  return `${label} in the last ${minutes} min: lowest ${lowest}, highest ${highest}, now ${hasNow ? format(values.at(-1)!) : 'none'}`
}
