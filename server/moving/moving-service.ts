/**
 * Exports accounts as a sealed file, and imports them. What other features store of an account is included as parts of
 * their own.
 */
import { type AccountsFile, type ImportedAccount, MovedAccount, movingBounds } from '../../contract/account-moving.ts'
import type { AccountMover } from '../accounts/account-mover.ts'
import type { Database } from '../platform/database/database.ts'
import { faultWords } from '../platform/fault-words.ts'
import { faultOfText } from '../platform/http/http-input.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { openAccounts, sealAccounts } from './sealed-file.ts'

/** The data that a feature stores about an account, such as signatures, under its name in the file. */
export interface AccountPart {
  name: string
  /** Returns undefined if it stores nothing. */
  read(accountId: string): Promise<unknown>
  /**
   * Validates and writes a part. @param data The untrusted content of the file. @throws Problem if it is invalid; the
   * account is then not created.
   */
  write(transaction: Database, accountId: string, data: unknown): Promise<void>
}

export interface MovingServiceOptions {
  mover: Pick<AccountMover, 'list' | 'create'>
  parts: readonly AccountPart[]
  /** Returns when the session of the caller began, in epoch milliseconds. */
  signedInAt(principal: Principal): Promise<number | undefined>
  now?: () => number
  /** The cost of a passphrase's key; lower in tests. */
  cost?: Parameters<typeof sealAccounts>[2]
}

/** Maximum age of a sign-in in ms, so that secrets cannot be exported by an unattended session. */
const recentMs = 10 * 60_000

export class MovingService {
  readonly #options: MovingServiceOptions
  #isBusy = false

  constructor(options: MovingServiceOptions) {
    this.#options = options
  }

  /** Exports the accounts. @throws Problem `recent_sign_in_required` */
  async export(principal: Principal, passphrase: string): Promise<AccountsFile> {
    await this.#refuseOldSession(principal)
    return this.seal(passphrase)
  }

  /** Seals without that check, for the command line, which has the database anyhow. */
  seal(passphrase: string): Promise<AccountsFile> {
    return this.#inTurn(async () => {
      const { mover, parts, cost } = this.#options
      const accounts: MovedAccount[] = []
      const listed = await mover.list()
      if (listed.length > movingBounds.accounts) {
        throw tooLarge(`There are ${listed.length} accounts, and a file holds ${movingBounds.accounts}`)
      }
      for (const { id, account } of listed) {
        const kept: Record<string, unknown> = {}
        for (const { name, read } of parts) {
          const data = await read(id)
          if (data !== undefined) kept[name] = data
        }
        accounts.push({ ...account, parts: kept })
      }
      const file = await sealAccounts(accounts, passphrase, cost)
      // A larger file could not be imported again.
      if (file.sealed.length > movingBounds.sealed) {
        throw tooLarge(
          `With their signatures the accounts take more than the ${movingBounds.fileBytes / 2 ** 20} MiB of a file`,
        )
      }
      return file
    })
  }

  /** Imports the accounts one by one, each entirely or not at all. @throws Problem if the file cannot be opened. */
  import(file: AccountsFile, passphrase: string): Promise<ImportedAccount[]> {
    return this.#inTurn(async () => {
      const results: ImportedAccount[] = []
      for (const one of await openAccounts(file, passphrase)) results.push(await this.#create(one))
      return results
    })
  }

  async #create(given: unknown): Promise<ImportedAccount> {
    const { mover, parts } = this.#options
    const { success, data, error } = MovedAccount.safeParse(given, { error: faultWords })
    if (!success) {
      const why = error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`)
      return invalid(emailOf(given), why.join('; ').slice(0, 500))
    }
    const { parts: kept, ...account } = data
    // Text in parts is up to their features.
    const fault = faultOfText(account)
    if (fault) return invalid(account.email, `${fault.path.join('.')}: ${fault.message}`)
    try {
      const account_id = await mover.create(account, async (transaction, accountId) => {
        for (const { name, write } of parts) {
          if (kept[name] !== undefined) await write(transaction, accountId, kept[name])
        }
      })
      const needs_sign_in = account.oauth_provider !== null
      return { email: account.email, status: 'created', account_id, needs_sign_in, why: null }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem
      const refused = invalid(account.email, problem.message)
      return problem.code === 'account_exists' ? { ...refused, status: 'exists' } : refused
    }
  }

  /** Runs one job at a time: a passphrase takes 64 MiB and more, and half a second. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isBusy) {
      const detail = 'Accounts are being exported or imported at the moment; try again in a few seconds.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 5 })
    }
    this.#isBusy = true
    try {
      return await work()
    } finally {
      this.#isBusy = false
    }
  }

  async #refuseOldSession(principal: Principal): Promise<void> {
    const { signedInAt, now = Date.now } = this.#options
    const at = await signedInAt(principal)
    if (at !== undefined && now() - at < recentMs) return
    const detail = 'The file holds all passwords, so this requires a sign-in within the last 10 minutes. Sign in again.'
    throw new Problem('recent_sign_in_required', detail)
  }
}

function tooLarge(why: string): Problem {
  return new Problem('too_large', `${why}. A backup holds all of a server.`)
}

function invalid(email: string | null, why: string): ImportedAccount {
  return { email, status: 'invalid', account_id: null, needs_sign_in: false, why }
}

function emailOf(given: unknown): string | null {
  const email = typeof given === 'object' && given !== null && 'email' in given ? given.email : undefined
  return typeof email === 'string' ? email.slice(0, 320) : null
}
