/** The active freezes in memory: which callers and accounts are stopped, and whether from reading too. */
import type { Freeze } from '../../contract/freezes.ts'
import { isMailScope } from '../../contract/scope.ts'
import type { Operation } from '../platform/guard.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { FreezeRow } from './freeze-tables.ts'

export type Acting = Pick<Principal, 'kind' | 'id'>

export class ActiveFreezes {
  readonly rows: readonly FreezeRow[]
  readonly #everything: FreezeRow | undefined
  readonly #principals = new Map<string, FreezeRow>()
  readonly #accounts = new Map<string, FreezeRow>()
  /** Freezes of accounts that programs may not read either. */
  readonly #unread: readonly FreezeRow[]

  constructor(rows: readonly FreezeRow[]) {
    this.rows = rows
    for (const row of rows) {
      if (row.principal_id !== null)
        this.#principals.set(row.principal_id, stricter(this.#principals.get(row.principal_id), row))
      if (row.account_id !== null) this.#accounts.set(row.account_id, stricter(this.#accounts.get(row.account_id), row))
      if (row.target === 'everything') this.#everything = stricter(this.#everything, row)
    }
    this.#unread = [...this.#accounts.values()].filter(({ reads }) => reads === 'stop')
  }

  /**
   * Returns the freeze that stops an operation. Only freezes of an account stop users, and only from changing its mail
   * or sending.
   */
  stopOf(principal: Acting, { effect, scope }: Operation, accountId: string | undefined): FreezeRow | undefined {
    if (this.rows.length === 0 || principal.kind === 'anonymous') return undefined
    const isRead = effect === 'read'
    const account = accountId === undefined ? undefined : this.#accounts.get(accountId)
    if (!isProgram(principal)) {
      return !isRead && scope !== 'public' && scope !== 'signed_in' && isMailScope(scope) ? account : undefined
    }
    const own = [this.#everything, this.#principals.get(principal.id), account]
    return own.find(row => row !== undefined && (!isRead || row.reads === 'stop'))
  }

  /** Returns the freeze that stops reads across all accounts of the principal, because one of them may not be read. */
  stopOfAll(principal: Principal): FreezeRow | undefined {
    if (!isProgram(principal)) return undefined
    return this.#unread.find(({ account_id }) => account_id !== null && maySeeAccount(principal, account_id))
  }

  /** Returns whether a freeze keeps the principal from sending, and from changing mail of the account. */
  holds(principal: Acting, accountId: string): boolean {
    if (this.#accounts.has(accountId)) return true
    return isProgram(principal) && (this.#everything !== undefined || this.#principals.has(principal.id))
  }

  find(target: Freeze['target'], principalId: string | null, accountId: string | null): FreezeRow | undefined {
    if (target === 'everything') return this.#everything
    return target === 'account' ? this.#accounts.get(accountId ?? '') : this.#principals.get(principalId ?? '')
  }
}

export function isProgram({ kind }: Pick<Principal, 'kind'>): boolean {
  return kind === 'token' || kind === 'api_key'
}

function stricter(one: FreezeRow | undefined, other: FreezeRow): FreezeRow {
  return one?.reads === 'stop' ? one : other
}
