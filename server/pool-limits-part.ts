/** Applies the configured limits of the connection pool, or by default those that the number of accounts needs. */
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { SettingsService } from './settings/settings-service.ts'

export interface PoolLimitsPartOptions {
  pool: Pick<ConnectionPool, 'setLimits'>
  settings: Pick<SettingsService, 'limits' | 'followAccounts'>
  hub: Pick<EventHub, 'listen'>
  logger: Logger
}

export function poolLimitsPart({ pool, settings, hub, logger }: PoolLimitsPartOptions): Part {
  let stops: (() => void)[] = []
  /** Runs one change after the other, so that the last one wins. */
  let work = Promise.resolve()
  const follow = () => {
    work = work
      .then(() => settings.followAccounts())
      .then(() => pool.setLimits(settings.limits))
      .catch(err => logger.error({ err }, 'the connection limit could not be adapted to the number of accounts'))
    return work
  }
  return {
    name: 'pool limits',
    start: async () => {
      await follow()
      stops = [
        hub.listen('configuration_updated', () => pool.setLimits(settings.limits)),
        hub.listen('account_added', () => void follow()),
        hub.listen('account_removed', () => void follow()),
        hub.listen('account_updated', ({ changed }) => void (changed.includes('enabled') && follow())),
      ]
    },
    stop: async () => {
      for (const stop of stops.splice(0)) stop()
      await work
    },
  }
}
