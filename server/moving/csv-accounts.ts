/** Converts rows of a table to accounts: missing values are derived from other columns, as on the page. */
import { type CsvColumn, csvColumns, movingBounds } from '../../contract/account-moving.ts'
import { AccountInput } from '../../contract/accounts.ts'
import { faultWords } from '../platform/fault-words.ts'
import { Problem } from '../platform/problem.ts'
import { CsvFault, type CsvRecord, readCsv } from './read-csv.ts'

export interface CsvRow {
  line: number
  email: string | null
  /** The account, or why the row is invalid. */
  account: AccountInput | { field: CsvColumn | null; why: string }
}

const required = ['email', 'imap_host', 'imap_password'] as const
/** TLS by the usual port (RFC 8314), and vice versa. */
const tlsOfPort: Record<string, string> = { 993: 'implicit', 143: 'starttls', 465: 'implicit', 587: 'starttls' }
const ports = { imap: { implicit: 993, other: 143 }, smtp: { implicit: 465, other: 587 } } as const

/** @throws Problem if the table or its header cannot be read. */
export function accountsOf(csv: string): CsvRow[] {
  const [header, ...records] = recordsOf(csv)
  if (!header) throw refused('is empty: it begins with a header row')
  const columns = header.fields.map(name => name.trim().toLowerCase())
  const unknown = columns.findIndex(name => !csvColumns.includes(name as CsvColumn))
  // Named by its number, since without a header row this field may hold a password.
  if (unknown >= 0) {
    throw refused(`has an unknown column in field ${unknown + 1} of its first row; there are ${csvColumns.join(', ')}`)
  }
  if (new Set(columns).size < columns.length) throw refused('names a column twice in its header row')
  const missing = required.find(name => !columns.includes(name))
  if (missing) throw refused(`has no column ${missing} in its header row`)
  if (records.length > movingBounds.csvRows) throw refused(`has more than ${movingBounds.csvRows} rows`)
  return records.map(record => rowOf(record, columns as CsvColumn[]))
}

function recordsOf(csv: string): CsvRecord[] {
  try {
    return readCsv(csv, movingBounds.csvRows + 1)
  } catch (error) {
    if (error instanceof CsvFault) throw refused(`cannot be read: in line ${error.line} ${error.message}`)
    throw error
  }
}

function rowOf({ line, fields }: CsvRecord, columns: readonly CsvColumn[]): CsvRow {
  const values = Object.fromEntries(columns.map((name, at) => [name, cellOf(name, fields[at])]))
  const email = values.email || null
  const invalid = (field: CsvColumn | null, why: string) => ({ line, email, account: { field, why } })
  if (fields.length > columns.length) return invalid(null, 'It has more fields than the header row.')
  const lacking = required.find(name => !values[name])
  if (lacking) return invalid(lacking, 'It is missing.')
  const imap = serverOf('imap', values, { user: values.email, password: undefined })
  const smtp = values.smtp_host
    ? serverOf('smtp', values, { user: imap.user, password: values.imap_password })
    : undefined
  const { success, data, error } = AccountInput.safeParse(
    {
      ...{ email: values.email, imap },
      ...(values.name && { name: values.name }),
      ...(smtp && { smtp }),
    },
    { error: faultWords },
  )
  if (success) return { line, email, account: data }
  const [issue] = error.issues
  const named = issue?.path.join('_') as CsvColumn
  return invalid(csvColumns.includes(named) ? named : null, `${issue?.message ?? 'is invalid'}`.slice(0, 300))
}

/** White space around passwords may be intended. */
function cellOf(name: CsvColumn, field = ''): string {
  return name.endsWith('_password') ? field : field.trim()
}

function serverOf(
  part: 'imap' | 'smtp',
  values: Partial<Record<CsvColumn, string>>,
  { user, password }: { user: string | undefined; password: string | undefined },
) {
  const given = values[`${part}_port`] ?? ''
  const tls = values[`${part}_tls`]?.toLowerCase() || tlsOfPort[given] || 'implicit'
  const usual = tls === 'implicit' ? ports[part].implicit : ports[part].other
  return {
    host: values[`${part}_host`] ?? '',
    port: given === '' ? usual : /^\d{1,5}$/.test(given) ? Number(given) : given,
    tls,
    user: values[`${part}_user`] || user || '',
    password: values[`${part}_password`] || password || '',
  }
}

function refused(message: string): Problem {
  return new Problem('bad_request', `The table ${message}.`, { errors: [{ path: 'body.csv', message }] })
}
