/** Draws charts with uPlot: bands, lines, gaps, marks, and a synchronised crosshair. Loaded with the first chart. */
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { HistoryMark } from '../../contract/history.ts'
import type { ChartInfo } from './chart-list.ts'
import type { ChartShape, Column } from './chart-shape.ts'
import { countOf, groupMarks, leastGapPx } from './mark-groups.ts'
import { timeLabels } from './time-labels.ts'
import type { TimeWindow } from './time-range.ts'

export interface EngineEvents {
  /** Called with the time under the crosshair; undefined while it is hidden. */
  onCrosshair(at: number | undefined): void
  onZoom(from: number, to: number): void
}

export interface DrawnChart {
  show(shape: ChartShape, window: TimeWindow, marks: readonly HistoryMark[]): void
  /** Moves the crosshair of all charts. */
  moveCrosshair(at: number): void
  destroy(): void
}

/** Colour tokens by line; dashes distinguish lines, too. */
export const lineLooks = [
  { colour: '--accent', tint: '--accent-tint', dash: [] },
  { colour: '--info', tint: '--info-tint', dash: [6, 3] },
  { colour: '--good', tint: '--good-tint', dash: [2, 3] },
  { colour: '--warn', tint: '--warn-tint', dash: [10, 3, 2, 3] },
  { colour: '--bad', tint: '--bad-tint', dash: [1, 2] },
  { colour: '--soft', tint: '--sunken', dash: [12, 4] },
] as const

const syncKey = 'analytics'
const height = 180
/** Height of the mark counts above the plot, in CSS pixels. */
const capPx = 12
const group = uPlot.sync(syncKey)
/** Shortest drag that zooms, in pixels; a shorter one is a click. */
const leastDragPx = 6

/** Creates a chart. @param name Name of the performance measure of its first draw. */
export function drawChart(element: HTMLElement, chart: ChartInfo, events: EngineEvents, name: string): DrawnChart {
  let drawn: uPlot | undefined
  let lines = ''
  let marks: readonly HistoryMark[] = []
  /** The time under the crosshair, which stays there on all charts while live charts advance. */
  let moment: number | undefined
  let isMovingOn = false
  const told: EngineEvents = {
    ...events,
    onCrosshair: at => {
      if (isMovingOn) return
      moment = at
      events.onCrosshair(at)
    },
  }
  const moveOn = (plot: uPlot) => {
    isMovingOn = false
    if (moment !== undefined) moveTo(plot, moment)
  }
  const destroy = () => {
    if (!drawn) return
    group.unsub(drawn)
    drawn.destroy()
    drawn = undefined
  }
  const resizing = new ResizeObserver(() => {
    if (drawn && element.clientWidth > 0) drawn.setSize({ width: element.clientWidth, height })
  })
  resizing.observe(element)
  // Colours are read on each draw, so a theme change needs one.
  const theming = new MutationObserver(() => drawn?.redraw(false))
  theming.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  return {
    show: (shape, window, newMarks) => {
      marks = newMarks
      const data = dataOf(shape)
      // uPlot cannot change its series, so other lines need a new instance.
      const wanted = JSON.stringify(shape.lines.map(({ label, low, before }) => [label, !low, !before]))
      if (drawn && wanted === lines) {
        isMovingOn = true
        drawn.batch((plot: uPlot) => {
          plot.setData(data, false)
          plot.setScale('x', { min: window.from, max: window.to })
        })
        moveOn(drawn)
        return
      }
      destroy()
      lines = wanted
      const began = performance.now()
      isMovingOn = true
      drawn = new uPlot(optionsOf(element, { chart, shape, window, events: told, marks: () => marks }), data, element)
      // Draws now instead of with the other charts of this tick, so that the measure covers this chart only.
      drawn.batch(() => undefined)
      moveOn(drawn)
      performance.clearMeasures(name)
      performance.measure(name, { start: began })
    },
    moveCrosshair: at => {
      if (!drawn) return
      for (const plot of group.plots) moveTo(plot, at)
    },
    destroy: () => {
      resizing.disconnect()
      theming.disconnect()
      destroy()
    },
  }
}

/** uPlot's types omit the parameters that control synchronisation. */
type SetCursor = (to: { left: number; top: number }, tells: boolean, publishes: boolean) => void

function moveTo(plot: uPlot, at: number): void {
  ;(plot.setCursor as SetCursor)({ left: plot.valToPos(at, 'x'), top: -1 }, true, false)
}

interface Drawing {
  chart: ChartInfo
  shape: ChartShape
  window: TimeWindow
  events: EngineEvents
  marks(): readonly HistoryMark[]
}

/** Tick increments of the value axis. None like 0.25, which one decimal would round to 0.3. */
const steps = Array.from({ length: 18 }, (_, power) => [1, 2, 5].map(step => step * 10 ** (power - 1))).flat()

function optionsOf(element: HTMLElement, drawing: Drawing): uPlot.Options {
  const { chart, shape, window, events, marks } = drawing
  const { series, bands } = seriesOf(shape)
  const isLog = chart.kind === 'latency'
  return {
    width: Math.max(200, element.clientWidth),
    height,
    padding: [capPx + 1, 12, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, min: window.from, max: window.to, auto: false },
      y: isLog
        ? { distr: 3, log: 10 }
        : { range: (_plot, _min, max) => [0, chart.top ?? Math.max((max ?? 0) * 1.1, 1)] },
    },
    series,
    bands,
    axes: [
      {
        stroke: () => colour('--muted'),
        grid: { show: false },
        ticks: { stroke: () => colour('--line'), width: 1, size: 4 },
        font: font(),
        size: 28,
        space: 64,
        values: (plot, splits) => timeLabels(splits, plot.scales.x!.min ?? 0, plot.scales.x!.max ?? 0),
      },
      {
        stroke: () => colour('--muted'),
        grid: { stroke: () => colour('--line'), width: 1, ...(isLog ? { filter: powersOfTen } : {}) },
        ...(isLog ? { filter: powersOfTen } : {}),
        ticks: { show: false },
        font: font(),
        size: 60,
        space: 32,
        ...(isLog ? {} : { incrs: steps }),
        values: (_plot, splits) => splits.map(value => (value === null ? '' : chart.format(value))),
      },
    ],
    cursor: {
      y: false,
      sync: {
        key: syncKey,
        scales: ['x', null as unknown as string],
        // Synchronises only the crosshair, because a drag over one chart is one zoom.
        filters: { pub: type => type === 'mousemove' || type === 'mouseleave' },
      },
      drag: { x: true, y: false, setScale: false, dist: leastDragPx },
      points: { size: 6 },
    },
    hooks: {
      draw: [plot => drawMarks(plot, marks())],
      setCursor: [({ cursor: { idx }, data: [at] }) => events.onCrosshair(idx == null ? undefined : at[idx])],
      setSelect: [
        plot => {
          const { left, width } = plot.select
          if (width < leastDragPx) return
          const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          events.onZoom(from, to)
        },
      ],
    },
  }
}

/** Series in drawing order: time, then per line its band, the previous period, and on top the line itself. */
function seriesOf({ lines }: ChartShape): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}]
  const bands: uPlot.Band[] = []
  const hidden = { points: { show: false }, spanGaps: false } as const
  for (const [place, line] of lines.entries()) {
    const look = lineLooks[place % lineLooks.length]!
    if (line.low) {
      const low = series.push({ ...hidden, stroke: () => 'transparent', width: 0 }) - 1
      const high = series.push({ ...hidden, stroke: () => colour(look.tint), width: 1 }) - 1
      bands.push({ series: [high, low], fill: () => colour(look.tint) })
    }
    if (line.before) series.push({ ...hidden, stroke: () => colour('--line-strong'), width: 1, dash: [4, 4] })
    series.push({
      spanGaps: false,
      stroke: () => colour(look.colour),
      width: 1.5,
      ...(look.dash.length > 0 ? { dash: [...look.dash] } : {}),
      // A value between two gaps is drawn as a point, because a line needs two.
      points: {
        show: true,
        size: 4,
        fill: () => colour(look.colour),
        filter: (plot, index) => alone(plot.data[index] as Column),
      },
    })
  }
  return { series, bands }
}

function alone(values: Column): number[] {
  return values.flatMap((value, place) =>
    value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null ? [place] : [],
  )
}

function dataOf({ at, lines }: ChartShape): uPlot.AlignedData {
  const columns = lines.flatMap(({ low, high, before, values }) => [
    ...(low && high ? [low, high] : []),
    ...(before ? [before] : []),
    values,
  ])
  return [at, ...columns] as uPlot.AlignedData
}

function drawMarks(plot: uPlot, marks: readonly HistoryMark[]): void {
  const { ctx, bbox } = plot
  const { min = 0, max = 0 } = plot.scales.x as { min?: number; max?: number }
  const ratio = devicePixelRatio
  const shown = marks.filter(({ at }) => at >= min && at <= max)
  ctx.save()
  ctx.lineWidth = ratio
  ctx.font = `600 ${9 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  for (const group of groupMarks(shown, at => plot.valToPos(at, 'x', true), leastGapPx * ratio)) {
    const look = colour(group.isBad ? '--bad' : '--info')
    const [from, to] = [Math.round(group.from), Math.round(group.to)]
    ctx.strokeStyle = look
    ctx.fillStyle = look
    ctx.setLineDash([3 * ratio, 3 * ratio])
    for (const x of new Set([from, to])) {
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
    }
    const count = countOf(group)
    if (!count) continue
    // A band for the span of a group of marks, with a cap that shows the count.
    ctx.globalAlpha = 0.12
    ctx.fillRect(from, bbox.top, to - from, bbox.height)
    ctx.globalAlpha = 1
    const wide = ctx.measureText(count).width + 6 * ratio
    const left = Math.min(Math.max((from + to - wide) / 2, 0), ctx.canvas.width - wide)
    ctx.fillRect(left, bbox.top - capPx * ratio, wide, capPx * ratio)
    ctx.fillStyle = colour('--surface')
    ctx.fillText(count, left + wide / 2, bbox.top - (capPx / 2) * ratio + ratio / 2)
  }
  ctx.restore()
}

function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim() || 'gray'
}

function font(): string {
  return `11px ${getComputedStyle(document.body).fontFamily}`
}

function powersOfTen(_plot: uPlot, splits: number[]): (number | null)[] {
  return splits.map(value => (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6 ? value : null))
}
