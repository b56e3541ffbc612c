/** Metrics of the export to a collector; only if there is one. */
import { Counter, Gauge, type Registry } from 'prom-client'

/** Provided by `platform/tracing`. */
export interface ExportFigures {
  exported: number
  waiting: number
  lost: Readonly<Record<string, number>>
  metricExports: Readonly<Record<string, number>>
}

/** @param whole A registry for callers that see all accounts, since the figures depend on activity in them. */
export function addTracingMetrics(whole: Registry, figures: ExportFigures): void {
  const registers = [whole]
  new Counter({
    name: 'rustymail_trace_spans_exported_total',
    help: 'Spans that the collector accepted',
    registers,
    collect() {
      this.reset()
      this.inc(figures.exported)
    },
  })
  new Counter({
    name: 'rustymail_trace_spans_lost_total',
    help: 'Spans lost by reason: queue_full, failed (the collector was down, slow or busy), refused (it rejected them)',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of Object.entries(figures.lost)) this.inc({ reason }, count)
    },
  })
  new Gauge({
    name: 'rustymail_trace_spans_waiting',
    help: 'Spans that wait for the collector',
    registers,
    collect() {
      this.set(figures.waiting)
    },
  })
  new Counter({
    name: 'rustymail_metric_exports_total',
    help: 'Exports of metrics to the collector by outcome: sent or failed',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset()
      for (const [outcome, count] of Object.entries(figures.metricExports)) this.inc({ outcome }, count)
    },
  })
}
