/** /api/dashboard/logs: the last lines of the log, and all of them as a file. */
import { Readable } from 'node:stream'
import { exportLogs, logsApi } from '../../contract/logs.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { LogService } from './log-service.ts'

export function logRoutes(http: HttpServer, logs: LogService): void {
  handle(http, logsApi.listLogs, ({ principal, query }) => logs.list(principal, query))
  const operation = { name: 'logs.exportLogs', scope: exportLogs.scope, effect: exportLogs.effect }
  handleRaw(http, exportLogs, operation, async ({ principal, query, method }, reply) => {
    const lines = logs.export(principal, query)
    const first = lines.next()
    const name = `rustymail-log-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.ndjson`
    reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="${name}"`)
      .type('application/jsonl; charset=utf-8')
    if (method === 'HEAD' || first.done) return reply.send('')
    return reply.send(Readable.from(behind(first.value, lines), { highWaterMark: 64 }))
  })
}

function* behind(first: string, others: Iterable<string>): Generator<string> {
  yield first
  yield* others
}
