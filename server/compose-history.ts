/**
 * Figures over time, wired by hand: their sources, their storage, and the service for callers. A part of the
 * composition root.
 */
import type { AccountConnections } from '../contract/accounts.ts'
import type { CertificateEnds } from './accounts/certificate-ends.ts'
import type { AccountHealth } from './accounts/health-registry.ts'
import { LateStore } from './alerts/late-store.ts'
import type { EventHub } from './events/event-hub.ts'
import { HistoryMaintenance } from './history/history-maintenance.ts'
import { HistoryMarks } from './history/history-marks.ts'
import { HistoryReader } from './history/history-reader.ts'
import { HistoryRecorder, type ReadGauges } from './history/history-recorder.ts'
import { historyRoutes } from './history/history-routes.ts'
import { HistoryService } from './history/history-service.ts'
import { HistoryStore } from './history/history-store.ts'
import { QueriedFigures } from './history/queried-figures.ts'
import { SeriesNumbers } from './history/series-numbers.ts'
import type { LeaseService } from './leases/lease-service.ts'
import type { SystemReadings } from './metrics/system-readings.ts'
import type { Database } from './platform/database/database.ts'
import { databaseBytes } from './platform/database/database-size.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { AccountRows } from './platform/visible-figures.ts'
import type { StorageWatch } from './storage/storage-watch.ts'

export interface HistorySurroundings {
  db: Database
  hub: EventHub
  leases: Pick<LeaseService, 'want'>
  logger: Logger
}

/** The sources of gauges, which are composed later than the counters. */
export interface HistoryReadings {
  readings: Pick<SystemReadings, 'latest'>
  storage: Pick<StorageWatch, 'figures'>
  connections: AccountRows<Pick<AccountConnections, 'open' | 'idle' | 'busy' | 'connecting'>>
  accounts: AccountRows<Pick<AccountHealth, 'state'>>
  certificates: Pick<CertificateEnds, 'left'>
}

export interface ComposedHistory {
  sink: HistoryRecorder
  reader: HistoryReader
  service: HistoryService
  marks: HistoryMarks
  /** Sets the sources of gauges; called once, before the start. */
  readFrom(readings: HistoryReadings): void
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeHistory({ db, hub, leases, logger }: HistorySurroundings): ComposedHistory {
  const store = new HistoryStore(db)
  const numbers = new SeriesNumbers(store)
  const maintenance = new HistoryMaintenance({ store, numbers, writer: 0 })
  let readings: HistoryReadings | undefined
  let slowBefore = hub.figures.slowConsumers
  const readGauges: ReadGauges = set => {
    const slow = hub.figures.slowConsumers
    if (slow > slowBefore) recorder.count('slow_streams', {}, slow - slowBefore)
    slowBefore = slow
    set('streams', hub.streamCount)
    if (readings) readMachine(readings, set)
    countEvents()
    const size = asked.find('database')
    if (size !== undefined) set('database_size', size)
    const waiting = asked.find('late')
    for (const [queue, count] of waiting?.queues ?? []) set('queue', count, { queue })
    for (const [principal, endsAt] of waiting?.tokenEnds ?? []) {
      set('token_days', Math.max(0, (endsAt - Date.now()) / 86_400_000), { principal })
    }
  }
  const recorder = new HistoryRecorder({ readGauges, maintenance, logger })
  // The number of the newest event in the shared log: the process that holds the lease counts what was appended since
  // its last look.
  let newest: number | undefined
  const countEvents = () => {
    const before = newest
    newest = claim.find() ? hub.places.newest : undefined
    if (before !== undefined && newest !== undefined && newest > before) recorder.count('events', {}, newest - before)
  }
  const now = () => Math.floor(Date.now() / 1000)
  const reader = new HistoryReader({ store, numbers, recent: () => recorder.recent, now })
  const marks = new HistoryMarks({ store, hub, logger })
  const service = new HistoryService({ reader, store, waitingMarks: () => marks.waiting, now: Date.now })
  // Every process receives the facts of all processes, so only the holder of this lease counts them.
  const claim = leases.want('history')
  const late = new LateStore(db)
  const asked = new QueriedFigures({
    queries: { database: () => databaseBytes(db), late: () => late.read(Date.now()) },
    isMine: () => claim.find() !== undefined,
    logger,
  })
  const ends = [
    hub.listen('mail_received', ({ account_id }) => claim.find() && recorder.count('mail_received', { account_id })),
    hub.listen('delivery_changed', ({ account_id, state }) => {
      if (!claim.find()) return
      if (state === 'sent') recorder.count('mail_sent', { account_id })
      if (state === 'failed') recorder.count('mail_failed', { account_id })
    }),
    hub.listen('account_state_changed', ({ account_id, state, last_error }) => {
      const isTrouble = state === 'unreachable' || state === 'auth_failed'
      if (isTrouble && claim.find()) recorder.count('imap_failures', { account_id, cause: last_error?.cause ?? state })
    }),
  ]
  return {
    sink: recorder,
    reader,
    service,
    marks,
    readFrom: given => {
      readings = given
    },
    addRoutes: http => historyRoutes(http, service),
    part: {
      name: 'history',
      start: async () => {
        await numbers.start()
        asked.start()
        recorder.start()
        marks.start()
      },
      stop: async () => {
        for (const end of ends) end()
        await Promise.all([recorder.stop(), asked.stop(), marks.stop()])
        await claim.giveBack()
      },
    },
  }
}

function readMachine(
  { readings, storage, connections, accounts, certificates }: HistoryReadings,
  set: Parameters<ReadGauges>[0],
): void {
  const { latest } = readings
  if (latest) {
    set('system_cpu', latest.cpuPercent)
    set('system_memory', latest.memoryPercent)
    set('process_cpu', latest.processCpuPercent)
    set('process_memory', latest.rssBytes)
    set('event_loop_delay', latest.eventLoopLagMs)
  }
  const { free_bytes: free } = storage.figures
  if (free !== null) set('storage_free', free)
  for (const [account_id, { open, idle, busy, connecting }] of connections.entries()) {
    set('imap_connections', idle, { account_id, state: 'idle' })
    set('imap_connections', busy, { account_id, state: 'busy' })
    set('imap_connections', connecting, { account_id, state: 'connecting' })
    set('imap_connections', open - idle - busy, { account_id, state: 'watching' })
  }
  for (const certificate of certificates.left(Date.now())) {
    const { account_id, protocol } = certificate
    if ('days' in certificate) set('certificate_days', certificate.days, { account_id, protocol })
    else set('certificate_life', certificate.percent, { account_id, protocol })
  }
  for (const [account_id, { state }] of accounts.entries()) {
    if (state !== 'disabled') set('account_ready', state === 'ready' ? 1 : 0, { account_id })
  }
}
