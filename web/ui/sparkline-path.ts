/** Turns readings into the path of a sparkline: at most 60 measured points, with gaps left open. */

export interface Reading {
  /** When it was measured, in epoch seconds. */
  at: number
  value: number
}

export interface SparklineShape {
  /** SVG path in a box of 100 × 100, y downwards. */
  line: string
  area: string
}

const mostPoints = 60

/**
 * Returns the path, keeping the newest reading of each time slice; slices are aligned to fixed times, so points do not
 * jitter as time passes.
 * @param top The value at the upper edge; the lower edge is 0.
 * @param endAt The right edge; time after the last reading is a gap.
 */
export function sparklineShape(
  readings: readonly Reading[],
  windowSeconds: number,
  top: number,
  endAt = readings.at(-1)?.at ?? 0,
): SparklineShape {
  const sliceSeconds = windowSeconds / mostPoints
  const end = Math.floor(endAt / sliceSeconds)
  const runs = runsOf(readings, sliceSeconds, end)
  const x = (slice: number) => round(100 - ((end - slice) / (mostPoints - 1)) * 100)
  const y = (value: number) => round(100 - (top > 0 ? Math.min(value / top, 1) : 0) * 100)
  const drawn = runs.map(run => {
    const points = run.map(({ slice, value }) => `${x(slice)} ${y(value)}`)
    // A lone reading is a dot: a zero-length line with round caps.
    const line = `M${points.join('L')}${points.length === 1 ? 'h0' : ''}`
    return { line, area: `M${x(run[0]!.slice)} 100L${points.join('L')}L${x(run.at(-1)!.slice)} 100Z` }
  })
  return { line: drawn.map(({ line }) => line).join(''), area: drawn.map(({ area }) => area).join('') }
}

interface Point {
  slice: number
  value: number
}

/** Splits the points into runs without a missing slice. */
function runsOf(readings: readonly Reading[], sliceSeconds: number, end: number): Point[][] {
  const newest = new Map<number, number>()
  for (const { at, value } of readings) newest.set(Math.floor(at / sliceSeconds), value)
  const points = [...newest].filter(([slice]) => end - slice < mostPoints).sort(([a], [b]) => a - b)
  const runs: Point[][] = []
  for (const [slice, value] of points) {
    const run = runs.at(-1)
    if (run && run.at(-1)!.slice === slice - 1) run.push({ slice, value })
    else runs.push([{ slice, value }])
  }
  return runs
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
