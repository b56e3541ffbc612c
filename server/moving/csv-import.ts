/**
 * Creates accounts from a table: a few logins in parallel on each mail server, a result for each row, and no partial
 * accounts.
 */
import { type CsvColumn, csvColumns, type ImportedRow } from '../../contract/account-moving.ts'
import type { AccountInput } from '../../contract/accounts.ts'
import type { AccountService } from '../accounts/account-service.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { accountsOf, type CsvRow } from './csv-accounts.ts'

export interface CsvImportOptions {
  accounts: Pick<AccountService, 'check' | 'create'>
  logger: Pick<Logger, 'error'>
  bounds?: Partial<typeof defaults>
}

export interface CsvRequest {
  csv: string
  dry_run: boolean
  verify: boolean
}

/** Rows in parallel, per IMAP server and in all; and how long new ones are started, in ms. */
const defaults = { perHost: 4, atOnce: 16, budgetMs: 4 * 60_000 }

export class CsvImport {
  readonly #accounts: CsvImportOptions['accounts']
  readonly #logger: CsvImportOptions['logger']
  readonly #bounds: typeof defaults
  #isBusy = false

  constructor({ accounts, logger, bounds }: CsvImportOptions) {
    this.#accounts = accounts
    this.#logger = logger
    this.#bounds = { ...defaults, ...bounds }
  }

  /**
   * @param signal Once aborted, no further row is started.
   * @throws Problem if the table cannot be read.
   */
  async run(principal: Principal, request: CsvRequest, signal: AbortSignal): Promise<ImportedRow[]> {
    const rows = accountsOf(request.csv)
    if (this.#isBusy) {
      const detail = 'Another table is being imported; try again when that is done.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 30 })
    }
    this.#isBusy = true
    try {
      return await this.#all(
        principal,
        rows,
        request,
        AbortSignal.any([signal, AbortSignal.timeout(this.#bounds.budgetMs)]),
      )
    } finally {
      this.#isBusy = false
    }
  }

  async #all(
    principal: Principal,
    rows: readonly CsvRow[],
    request: CsvRequest,
    over: AbortSignal,
  ): Promise<ImportedRow[]> {
    const results = new Map<CsvRow, ImportedRow>()
    const logins = new Set<string>()
    const waiting = new Map<string, (() => Promise<void>)[]>()
    for (const row of rows) {
      const { account } = row
      if (!('imap' in account)) {
        results.set(row, { ...resultOf(row), status: 'invalid', field: account.field, why: account.why })
        continue
      }
      const { host, port, user } = account.imap
      const login = JSON.stringify([host, port, user])
      if (logins.has(login)) {
        results.set(row, { ...resultOf(row), status: 'exists', why: 'It is also in an earlier row.' })
        continue
      }
      logins.add(login)
      const ofHost = waiting.get(host) ?? []
      waiting.set(host, ofHost)
      ofHost.push(async () => {
        const result = over.aborted ? notTried(row) : await this.#one(principal, row, account, request)
        results.set(row, result)
      })
    }
    await inTurns([...waiting.values()], this.#bounds)
    return rows.map(row => results.get(row)!)
  }

  async #one(
    principal: Principal,
    row: CsvRow,
    account: AccountInput,
    { dry_run, verify }: CsvRequest,
  ): Promise<ImportedRow> {
    try {
      if (dry_run) {
        await this.#accounts.check(principal, account, { verify })
        return { ...resultOf(row), status: 'valid' }
      }
      const { id } = await this.#accounts.create(principal, account, { verify })
      return { ...resultOf(row), status: 'created', account_id: id }
    } catch (error) {
      if (error instanceof Problem) return { ...resultOf(row), ...failureOf(error) }
      // A bug, or the database: results of other rows are still returned.
      this.#logger.error({ error, line: row.line }, 'a row of a table of accounts failed')
      return {
        ...resultOf(row),
        status: 'could_not_connect',
        why: 'Something went wrong on this server; its log says what.',
      }
    }
  }
}

function resultOf({ line, email }: CsvRow): ImportedRow {
  return { line, email: email?.slice(0, 320) ?? null, status: 'invalid', field: null, why: null, account_id: null }
}

function notTried(row: CsvRow): ImportedRow {
  return {
    ...resultOf(row),
    status: 'not_tried',
    why: 'The time limit of one import was reached: import this row again.',
  }
}

/** Includes the mail server's words, which never contain the password. */
function failureOf({ code, message, extension }: Problem): Pick<ImportedRow, 'status' | 'field' | 'why'> {
  if (code === 'account_exists') return { status: 'exists', field: null, why: message }
  if (code === 'bad_request') {
    const named = extension.errors?.[0]?.path.replace(/^body\./, '').replace('.', '_') as CsvColumn
    return { status: 'invalid', field: csvColumns.includes(named) ? named : null, why: message }
  }
  const said = extension.server_response ? ` The server said: ${extension.server_response}` : ''
  const part = extension.part === 'smtp' ? 'SMTP: ' : ''
  return { status: 'could_not_connect', field: null, why: `${part}${message}${said}`.slice(0, 500) }
}

/** Schedules the lists in turns, so that a slow server delays only its own rows. */
async function inTurns(lists: (() => Promise<void>)[][], { perHost, atOnce }: typeof defaults): Promise<void> {
  const running = new Map<(() => Promise<void>)[], number>()
  const under = new Set<Promise<void>>()
  try {
    while (lists.some(({ length }) => length > 0) || under.size > 0) {
      for (const list of lists) {
        while (under.size < atOnce && list.length > 0 && (running.get(list) ?? 0) < perHost) {
          running.set(list, (running.get(list) ?? 0) + 1)
          const work: Promise<void> = list.shift()!().finally(() => {
            under.delete(work)
            running.set(list, running.get(list)! - 1)
          })
          under.add(work)
        }
      }
      await Promise.race(under)
    }
  } finally {
    // Nothing continues once the import is over.
    await Promise.allSettled(under)
  }
}
