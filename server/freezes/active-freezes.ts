/** The active freezes in memory, as the gate checks them: who and what is stopped, and whether from reading too. */
import type { Freeze } from '../../contract/freezes.ts'
import { isMailScope } from '../../contract/scope.ts'
import type { Operation, Stops } from '../platform/guard.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { FreezeRow } from './freeze-tables.ts'

export type Acting = Pick<Principal, 'kind' | 'id'>

/** Checks the freezes that are in force now. */
export class FreezeStops implements Stops {
  active = new ActiveFreezes([])

  check(principal: Principal, operation: Operation, accountId?: string): void {
    const stop = this.active.stopOf(principal, operation, accountId)
    if (stop) throw frozen(stop)
  }

  checkAll(principal: Principal, { scope, name }: Operation): void {
    // Other reads show no mail; facts on the event stream do.
    const showsMail = name.startsWith('events.') || (scope !== 'public' && scope !== 'signed_in' && isMailScope(scope))
    const stop = showsMail ? this.active.stopOfAll(principal) : undefined
    if (stop) throw frozen(stop)
  }
}

/** A set of freezes, which never changes. */
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

function frozen({ target, reads, reason }: FreezeRow): Problem {
  const what = { principal: 'this caller does', account: 'is done with this account', everything: 'programs do' }[
    target
  ]
  const detail = `A human stopped what ${what}${reads === 'stop' ? ', reading too' : ''}${reason ? `: ${reason}` : ''}`
  return new Problem('frozen', /[.!?]$/.test(detail) ? detail : `${detail}.`)
}
