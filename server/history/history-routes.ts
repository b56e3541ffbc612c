/** Figures over time over HTTP. */
import { api } from '../../contract/index.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { HistoryService } from './history-service.ts'

export function historyRoutes(http: HttpServer, history: HistoryService): void {
  handle(http, api.history.listHistorySeries, ({ principal }) => ({ items: history.listSeries(principal) }))
  handle(http, api.history.getHistory, ({ principal, query }) => history.get(principal, query))
}
