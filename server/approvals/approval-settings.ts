/**
 * Who has to approve, and how; set by administrators. Nothing is cached: every decision reads the settings in its own
 * transaction. While the stored settings are unreadable, nothing is approved until a user sets them again.
 */
import {
  ApprovalSettings,
  type ApprovalSettingsAnswer,
  type ApprovalSettingsChange,
  defaultApprovalSettings,
} from '../../contract/approvals.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type FindDecider, hasEnded } from './current-caller.ts'

export interface KeptSettings {
  /** @throws SyntaxError if the stored value is not JSON. */
  find(name: string, db?: Database): Promise<unknown>
  save(transaction: Database, name: string, value: unknown, at: string): Promise<void>
}

const settingName = 'approvals'
const scope = 'dashboard:admin'
/** Shown and applied in place of unreadable settings. */
const unreadable: ApprovalSettingsAnswer = { ...defaultApprovalSettings, own_tokens: false, is_unreadable: true }

export class ApprovalSettingsHolder {
  readonly #kept: KeptSettings
  readonly #hub: Pick<EventHub, 'transact'>
  readonly #findDecider: FindDecider
  readonly #logger: Logger

  constructor(kept: KeptSettings, hub: Pick<EventHub, 'transact'>, findDecider: FindDecider, logger: Logger) {
    this.#kept = kept
    this.#hub = hub
    this.#findDecider = findDecider
    this.#logger = logger
  }

  async start(): Promise<void> {
    if (!(await this.read()).is_unreadable) return
    this.#logger.error('the settings of approvals cannot be read: nothing is approved until a user sets them again')
  }

  /**
   * Returns the current settings in the database, whichever process wrote them. @param db The transaction that decides.
   */
  async read(db?: Database): Promise<ApprovalSettingsAnswer> {
    const stored = await this.#kept.find(settingName, db).catch((error: unknown) => {
      if (error instanceof SyntaxError) return error
      throw error
    })
    if (stored === undefined) return { ...defaultApprovalSettings, is_unreadable: false }
    const { success, data } = ApprovalSettings.safeParse(stored)
    return success ? { ...data, is_unreadable: false } : unreadable
  }

  async set(principal: Principal, change: ApprovalSettingsChange): Promise<ApprovalSettingsAnswer> {
    if (principal.kind !== 'session') throw new Problem('session_needed', 'Sign in to change how approvals are given.')
    const at = new Date().toISOString()
    return this.#hub.transact(async (transaction, publish) => {
      // It may have waited behind the transaction that ended or demoted the caller.
      const decider = await this.#findDecider(principal, transaction)
      if (!decider) throw hasEnded()
      if (!decider.scopes.has(scope)) {
        throw new Problem('forbidden', `This requires the scope ${scope}.`, { missing_scope: scope })
      }
      const { is_unreadable: _ignored, passkey = (await this.read(transaction)).passkey, ...others } = change
      const settings: ApprovalSettings = { ...others, passkey }
      await this.#kept.save(transaction, settingName, settings, at)
      publish({ type: 'configuration_updated', data: { changed: [settingName], principal: principal.name, at } })
      return { ...settings, is_unreadable: false }
    })
  }
}

/** Returns the Problem of unreadable settings. */
export function settingsProblem({ is_unreadable: isUnreadable }: ApprovalSettingsAnswer): Problem | undefined {
  if (!isUnreadable) return undefined
  const detail =
    'The stored settings of approvals cannot be read, so nothing is approved until an administrator saves them again.'
  return new Problem('not_possible_now', detail)
}
