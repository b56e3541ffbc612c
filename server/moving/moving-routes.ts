/** /api/dashboard/accounts/export, import and import-csv. */
import { accountMovingApi } from '../../contract/account-moving.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { CsvImport } from './csv-import.ts'
import type { MovingService } from './moving-service.ts'

export function movingRoutes(http: HttpServer, { moving, csv }: { moving: MovingService; csv: CsvImport }): void {
  handle(http, accountMovingApi.exportAccounts, async call => {
    const file = await moving.export(call.principal, call.body.passphrase)
    call.note({ accounts: String(file.accounts) })
    return file
  })
  handle(http, accountMovingApi.importAccounts, async call => {
    const items = await moving.import(call.body.file, call.body.passphrase)
    call.note(countsOf(items))
    return { items }
  })
  handle(http, accountMovingApi.importCsv, async call => {
    const items = await csv.run(call.principal, call.body, call.signal)
    call.note({ ...countsOf(items), dry_run: String(call.body.dry_run) })
    return { items }
  })
}

/** Counts rows by status, for the trail. */
function countsOf(items: readonly { status: string }[]): Record<string, string> {
  return Object.fromEntries(
    [...Map.groupBy(items, ({ status }) => status)].map(([status, some]) => [status, String(some.length)]),
  )
}
