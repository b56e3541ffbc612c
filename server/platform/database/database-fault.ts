/** Tells what broke at the database from what broke elsewhere: a mail client that hangs up and PostgreSQL that does are one code. */

const ofDatabase = Symbol('of the database')

export function markDatabaseFault(error: unknown): void {
  if (error instanceof Error) Object.defineProperty(error, ofDatabase, { value: true, configurable: true })
}

export function isDatabaseFault(error: unknown): boolean {
  return error instanceof Error && ofDatabase in error
}
