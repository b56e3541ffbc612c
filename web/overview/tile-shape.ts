/** Turns points into paths in a box of 100 × 100, y downwards: a line, and a band of extremes. Gaps stay gaps. */

export interface TilePoint {
  /** Epoch seconds. */
  at: number
  value: number
  low: number
  high: number
}

interface Frame {
  from: number
  to: number
  /** Value at the upper edge; by default a little above the highest. */
  top: number | undefined
  /** Points farther apart than this are not connected. */
  gapSeconds: number
}

export function tileShape(points: readonly TilePoint[], { from, to, top, gapSeconds }: Frame) {
  const highest = Math.max(0, ...points.map(({ high }) => high))
  const edge = top ?? Math.max(highest * 1.15, 1)
  const x = (at: number) => round(((at - from) / Math.max(1, to - from)) * 100)
  const y = (value: number) => round(100 - Math.min(1, value / edge) * 100)
  let [line, band] = ['', '']
  for (const run of runsOf(points, gapSeconds)) {
    const path = run.map(({ at, value }) => `${x(at)} ${y(value)}`).join('L')
    line += `M${path}${run.length === 1 ? 'h0' : ''}`
    const above = run.map(({ at, high }) => `${x(at)} ${y(high)}`)
    const below = run.map(({ at, low }) => `${x(at)} ${y(low)}`).reverse()
    band += `M${[...above, ...below].join('L')}Z`
  }
  return { line, band, x, y }
}

function runsOf(points: readonly TilePoint[], gapSeconds: number): TilePoint[][] {
  const runs: TilePoint[][] = []
  for (const point of points) {
    const run = runs.at(-1)
    if (run && point.at - run.at(-1)!.at <= gapSeconds) run.push(point)
    else runs.push([point])
  }
  return runs
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
