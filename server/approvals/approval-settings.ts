/** Who has to approve, and how: set by an administrator, in memory, and followed where another process changes it. */
import { ApprovalSettings, defaultApprovalSettings } from '../../contract/approvals.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

export interface KeptSettings {
  find(name: string): Promise<unknown>
  save(transaction: Database, name: string, value: unknown, at: string): Promise<void>
}

const settingName = 'approvals'

export class ApprovalSettingsHolder {
  readonly #kept: KeptSettings
  readonly #hub: Pick<EventHub, 'transact' | 'listen'>
  readonly #logger: Logger
  #current = defaultApprovalSettings
  #unsubscribe: (() => void) | undefined

  constructor(kept: KeptSettings, hub: Pick<EventHub, 'transact' | 'listen'>, logger: Logger) {
    this.#kept = kept
    this.#hub = hub
    this.#logger = logger
  }

  async start(): Promise<void> {
    await this.#load()
    this.#unsubscribe = this.#hub.listen('configuration_updated', ({ changed }) => {
      if (!changed.includes(settingName)) return
      this.#load().catch((err: unknown) => this.#logger.error({ err }, 'the settings of approvals could not be read'))
    })
  }

  stop(): void {
    this.#unsubscribe?.()
  }

  get current(): ApprovalSettings {
    return this.#current
  }

  async set(principal: Principal, settings: ApprovalSettings): Promise<ApprovalSettings> {
    if (principal.kind !== 'session') throw new Problem('session_needed', 'Sign in to change how approvals are given.')
    const at = new Date().toISOString()
    await this.#hub.transact(async (transaction, tell) => {
      await this.#kept.save(transaction, settingName, settings, at)
      tell({ type: 'configuration_updated', data: { changed: [settingName], principal: principal.name, at } })
    })
    this.#current = settings
    return settings
  }

  async #load(): Promise<void> {
    const read = ApprovalSettings.safeParse(await this.#kept.find(settingName))
    this.#current = read.success ? read.data : defaultApprovalSettings
  }
}
