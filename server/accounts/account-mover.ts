/**
 * Exports accounts to another server and imports them: complete, with passwords in the clear, but without OAuth2
 * grants. Callers seal them.
 */
import { randomBytes } from 'node:crypto'
import type { MovedAccount } from '../../contract/account-moving.ts'
import { type AccountAuth, lookInterval } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { MissingGrants } from './account-grants.ts'
import { authOf, mergeChange, named, newRow, type Part, serverOf, toLogin } from './account-row.ts'
import type { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'
import { refusePlainOverNetwork } from './account-verifier.ts'

export interface AccountMoverOptions {
  store: AccountStore
  hub: Pick<EventHub, 'transact'>
  secrets: SecretBox
  grants: MissingGrants
  now?: () => number
}

/** An account without what other features store of it. */
export type OwnPart = Omit<MovedAccount, 'parts'>

export class AccountMover {
  readonly #options: AccountMoverOptions

  constructor(options: AccountMoverOptions) {
    this.#options = options
  }

  /**
   * Lists accounts without the sandbox's; the default comes first, so that it is the default again on an empty server.
   */
  async list(): Promise<{ id: string; account: OwnPart }[]> {
    const { store } = this.#options
    const rows = (await store.list()).filter(row => row.is_sandbox === 0)
    rows.sort((one, other) => other.is_default - one.is_default)
    return rows.map(row => ({
      id: row.id,
      account: {
        name: row.name,
        email: row.email,
        enabled: row.enabled === 1,
        imap: this.#serverOf(row, 'imap')!,
        smtp: this.#serverOf(row, 'smtp') ?? null,
        index_level: row.index_level,
        watched_folders: row.watched_folders === null ? [] : (JSON.parse(row.watched_folders) as string[]),
        look_interval_seconds: row.look_interval_seconds ?? lookInterval.byDefault,
        oauth_provider: row.oauth_provider,
      },
    }))
  }

  /** Returns the server with its password, if it has one. */
  #serverOf(row: AccountRow, part: Part): OwnPart['imap'] | undefined {
    return authOf(row).kind === 'oauth' ? serverOf(row, part) : toLogin(row, part, this.#options.secrets)
  }

  /**
   * Creates the account, entirely or not at all, without trying its servers.
   * @param also Writes what else is stored of it, in the same transaction.
   * @throws Problem `account_exists`, or `bad_request` if this connection is not allowed.
   */
  async create(account: OwnPart, also: (transaction: Database, accountId: string) => Promise<void>): Promise<string> {
    const { store, hub, secrets, grants, now = Date.now } = this.#options
    const { name, email, enabled, imap, smtp, index_level, watched_folders, look_interval_seconds } = account
    refusePlainOverNetwork('imap', imap)
    if (smtp) refusePlainOverNetwork('smtp', smtp)
    const at = new Date(now()).toISOString()
    const provider = account.oauth_provider
    const servers = { imap: withoutPassword(imap, provider), ...(smtp && { smtp: withoutPassword(smtp, provider) }) }
    const input = { name, email, enabled, ...servers }
    const auth: AccountAuth =
      provider === null
        ? { kind: 'password' }
        : { kind: 'oauth', provider, grant_id: randomBytes(32).toString('base64url') }
    return hub.transact(async (transaction, publish) => {
      if (await store.findLogin(imap, transaction)) {
        throw new Problem('account_exists', `${imap.user} on ${imap.host}:${imap.port} is already connected.`)
      }
      const draft = { ...newRow(input, { isSandbox: false, at, secrets, auth }), is_default: 0 }
      const { is_default: _default, ...row } = mergeChange(
        draft,
        { index_level, watched_folders, look_interval_seconds },
        secrets,
      )
      const inserted = await store.insert(transaction, row)
      if (auth.kind === 'oauth') {
        const grant = { id: auth.grant_id, provider: auth.provider, accountId: inserted.id, isSending: smtp !== null }
        await grants.miss(transaction, grant)
      }
      await also(transaction, inserted.id)
      publish({ type: 'account_added', data: named(inserted, at) })
      return inserted.id
    })
  }
}

/** Removes the password if the account signs in by OAuth2, whatever the file says. */
function withoutPassword(server: OwnPart['imap'], provider: string | null): OwnPart['imap'] {
  return provider === null ? server : { ...server, password: undefined }
}
