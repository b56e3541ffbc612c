/** Names a database in messages for people: its file, or the address of PostgreSQL; never the user or password. */
import { startFault } from '../start-fault.ts'
import { databaseFaultKind } from './database-fault.ts'
import { sqliteFile } from './sqlite-file.ts'

/** @param url See `openDatabase`. */
function nameOf(url: string): string {
  if (url.startsWith('sqlite:')) return `the database ${sqliteFile(url.slice('sqlite:'.length)) ?? 'in memory'}`
  if (!URL.canParse(url)) return 'the PostgreSQL database'
  const { hostname, port, pathname, searchParams } = new URL(url)
  const host = hostname || searchParams.get('host') || 'localhost'
  return `the PostgreSQL database ${host}:${port || '5432'}${pathname}`
}

const ofFile =
  'It must be an SQLite database that the user who runs RustyMail can read and write: look at the file, restore a backup, or set RUSTYMAIL_DATABASE_URL to another one'
const ofFull = 'Make room on its disk, and start again'
const ofServer = 'Check that PostgreSQL runs there and lets this user in, and RUSTYMAIL_DATABASE_URL'

/**
 * Adds the database's name to errors of the system, SQLite or PostgreSQL, which lack it; our own errors are unchanged.
 */
export async function namingDatabase<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isForeign(error)) throw error
    const about = url.startsWith('sqlite:') ? sqliteFile(url.slice('sqlite:'.length)) : undefined
    const wayOut = url.startsWith('sqlite:') ? ofFile : ofServer
    throw startFault(nameOf(url), databaseFaultKind(error) === 'full' ? ofFull : wayOut, error, about)
  }
}

/** Whether an error is not ours: it has a code, or is a timeout of node-postgres, which has none. */
function isForeign(error: unknown): boolean {
  if (error instanceof AggregateError) return true
  return error instanceof Error && ('code' in error || /timeout expired|connection terminated/i.test(error.message))
}
