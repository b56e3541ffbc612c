/** Connects, changes, tries and removes mail accounts. Reading their mail is the job of `mail`. */
import type { Account, AccountAuth, AccountChange, AccountInput, VerifyResult } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { NewAccess } from './account-grants.ts'
import { AccountReader } from './account-reader.ts'
import {
  changedFields,
  changedParts,
  changeOfServer,
  type LoginName,
  loginOf,
  mergeChange,
  named,
  newRow,
  type Part,
  type ServerChoice,
  serverOf,
} from './account-row.ts'
import {
  refuseBeyondList,
  refuseMovedMeanwhile,
  refuseMovedPassword,
  refuseNarrow,
  refusePasswordBesideGrant,
  refuseSandboxChange,
  sandboxStopped,
} from './account-rules.ts'
import { takeGrant } from './account-sign-in.ts'
import type { AccountRow } from './account-tables.ts'
import { refusePlainOverNetwork, type Trial, testServers, tryServer } from './account-verifier.ts'
import type { LoginSource } from './mail-login.ts'

type ReconnectListener = (accountId: string) => void

/** Writes in the same transaction as a change, and publishes facts with it. */
export type AlsoKept = Parameters<EventHub['transact']>[0]

export class AccountService extends AccountReader {
  readonly #reconnectListeners = new Set<ReconnectListener>()

  /** Tries the servers, then stores the account and announces it. */
  async create(principal: Principal, input: AccountInput, trial: Trial): Promise<Account> {
    const auth = await this.check(principal, input, trial)
    return this.add(input, { isSandbox: false, auth })
  }

  /** Checks that the account could be created, and stores nothing. @returns How it would log in. */
  async check(principal: Principal, input: AccountInput, trial: Trial): Promise<AccountAuth> {
    refuseNarrow(principal, 'Adding an account')
    await this.#refuseKnown(input.imap)
    const auth = await this.logins.authOf(principal, input)
    for (const part of ['imap', 'smtp'] as const) {
      const server = input[part]
      if (!server) continue
      refusePlainOverNetwork(part, server)
      if (trial.verify) await this.#try(part, this.logins.ofNew(part, input, auth), trial)
    }
    return auth
  }

  /** Stores an account without trying it: that of the environment or of the sandbox. */
  async add(
    input: AccountInput,
    { isSandbox, auth = { kind: 'password' } }: { isSandbox: boolean; auth?: AccountAuth },
  ): Promise<Account> {
    refusePlainOverNetwork('imap', input.imap)
    if (input.smtp) refusePlainOverNetwork('smtp', input.smtp)
    await this.#refuseKnown(input.imap)
    const at = now()
    const draft = newRow(input, { isSandbox, at, secrets: this.options.secrets, auth })
    const kept = await this.options.hub.transact(async (transaction, publish) => {
      // Checked again: another request may have connected it meanwhile.
      await this.#refuseKnown(input.imap, undefined, transaction)
      const inserted = await this.options.store.insert(transaction, draft)
      if (auth.kind === 'oauth') await this.options.grants.bind(transaction, auth.grant_id, draft.id)
      publish({ type: 'account_added', data: named(inserted, at) })
      return inserted
    })
    return this.view(kept, kept.is_default ? kept : undefined)
  }

  /**
   * Tries the servers that the change concerns first, with the stored or the given password.
   * @param also Written in the same transaction, even if the account stays the same.
   */
  async update(
    principal: Principal,
    accountId: string,
    change: AccountChange,
    trial: Trial,
    also?: AlsoKept,
  ): Promise<Account> {
    const before = await this.getRow(accountId, principal)
    refuseBeyondList(principal, change)
    if (before.is_sandbox) refuseSandboxChange(change, this.isSandboxRunning)
    refuseMovedPassword(before, change)
    refusePasswordBesideGrant(before, change)
    const after = mergeChange(before, change, this.options.secrets)
    const changed = changedFields(before, after, change)
    if (changed.length === 0 && !also) return this.present(principal, before)
    if (changed.some(field => /^imap\.(host|port|user)$/.test(field))) {
      await this.#refuseKnown(loginOf(after), accountId)
    }
    for (const part of changedParts(changed)) {
      const server = serverOf(after, part)
      if (!server) continue
      refusePlainOverNetwork(part, server)
      if (trial.verify && this.isOn(after)) await this.#try(part, this.logins.of(after, part)!, trial, accountId)
    }
    return this.present(principal, await this.#keepChange(accountId, change, also, after))
  }

  /**
   * Merges the change into the current account, since it may have changed during the trial.
   * @param meant The expected result; undefined if the server itself sets what the account is.
   */
  #keepChange(accountId: string, change: AccountChange, also?: AlsoKept, meant?: AccountRow): Promise<AccountRow> {
    const { hub, store, secrets } = this.options
    return hub.transact(async (transaction, publish) => {
      const current = await store.find(accountId, transaction)
      if (!current) throw new Problem('account_not_found', 'There is no such account.')
      const merged = { ...mergeChange(current, change, secrets), updated_at: now() }
      if (meant) this.#refuseMeanwhile(current, change, meant, merged)
      const changed = changedFields(current, merged, change).filter(field => field !== 'updated_at')
      if (changed.length > 0) {
        await this.#refuseKnown(loginOf(merged), accountId, transaction)
        await store.update(transaction, merged)
        publish({ type: 'account_updated', data: { ...named(merged, merged.updated_at), changed } })
      }
      await also?.(transaction, publish)
      return changed.length > 0 ? merged : current
    })
  }

  /** Repeats the checks, since another change may have come first. */
  #refuseMeanwhile(current: AccountRow, change: AccountChange, meant: AccountRow, merged: AccountRow): void {
    refuseMovedPassword(current, change)
    refuseMovedMeanwhile(meant, merged, change)
    refusePasswordBesideGrant(current, change)
    for (const part of ['imap', 'smtp'] as const) {
      const server = change[part] && serverOf(merged, part)
      if (server) refusePlainOverNetwork(part, server)
    }
  }

  /** Changes the server of the default account, which the plan's configuration refers to. */
  async updateDefaultServer(principal: Principal, choice: ServerChoice, trial: Trial, also: AlsoKept): Promise<void> {
    const row = await this.findDefaultRow(principal)
    if (!row) throw new Problem('no_default_account', 'Connect a mailbox first: there is no account to configure.')
    const change = changeOfServer(row, choice)
    refuseMovedPassword(row, change, () => 'password')
    await this.update(principal, row.id, change, trial, also)
  }

  async delete(principal: Principal, accountId: string): Promise<void> {
    await this.#remove(await this.getRow(accountId, principal))
  }

  /**
   * Connects the sandbox's account of an earlier run to the started server, with its id and the rights of users who may
   * see it; creates a new one if it was deleted.
   * @param input If `enabled` is false, a disabled account stays disabled.
   */
  async openSandbox(input: AccountInput): Promise<Account> {
    const { imap, smtp = null, enabled } = input
    const known = (await this.options.store.list()).find(row => row.is_sandbox === 1)
    this.isSandboxRunning = true
    try {
      if (!known) return await this.add({ ...input, enabled: true }, { isSandbox: true })
      const kept = await this.#keepChange(known.id, { imap, smtp, ...(enabled ? { enabled } : {}) })
      return this.view(kept, kept.is_default ? kept : undefined)
    } catch (error) {
      this.isSandboxRunning = false
      throw error
    }
  }

  /** Called when the sandbox has ended: its account stays, disconnected. */
  closeSandbox(): void {
    this.isSandboxRunning = false
  }

  /** Tries both servers now; if IMAP responds, a connection that had given up is opened again. */
  async verify(principal: Principal, accountId: string): Promise<VerifyResult> {
    const row = await this.getRow(accountId, principal)
    if (this.isParked(row)) throw sandboxStopped()
    const { verifier, timeoutMs } = this.options
    const logins = { imap: this.logins.of(row, 'imap')!, smtp: this.logins.of(row, 'smtp') }
    const result = await testServers(verifier, logins, timeoutMs(), accountId)
    if (result.imap.ok && row.enabled) this.reconnect(accountId)
    return result
  }

  /** Closes the connections of an account and opens new ones. */
  reconnect(accountId: string): void {
    for (const listener of this.#reconnectListeners) listener(accountId)
  }

  /** Registers a listener for accounts to reconnect immediately. Returns a function that removes it. */
  onReconnect(listener: ReconnectListener): () => void {
    this.#reconnectListeners.add(listener)
    return () => this.#reconnectListeners.delete(listener)
  }

  /**
   * Tries the servers with the access token of a new sign-in, then logs in by that grant.
   * Nothing is stored if a server rejects the login, as it does if another person signed in.
   */
  async signInAgain(principal: Principal, accountId: string, again: NewAccess): Promise<void> {
    await takeGrant(this.options, await this.getRow(accountId, principal), again)
  }

  async #remove({ id }: AccountRow): Promise<void> {
    const { hub, store, grants } = this.options
    const revoke = await hub.transact(async (transaction, publish) => {
      const row = await store.find(id, transaction)
      if (!row) return undefined
      const release = row.grant_id === null ? undefined : await grants.release(transaction, row.grant_id)
      await store.delete(transaction, id)
      publish({ type: 'account_removed', data: named(row, now()) })
      return release
    })
    revoke?.()
  }

  async #try(part: Part, source: LoginSource, trial: Trial, accountId?: string): Promise<void> {
    await tryServer(this.options.verifier, part, source, trial.timeoutMs ?? this.options.timeoutMs(), accountId)
  }

  async #refuseKnown(login: LoginName, exceptId?: string, transaction?: Database): Promise<void> {
    const known = await this.options.store.findLogin(login, transaction)
    if (!known || known.id === exceptId) return
    throw new Problem('account_exists', `${login.user} on ${login.host}:${login.port} is already connected.`)
  }
}

function now(): string {
  return new Date().toISOString()
}
