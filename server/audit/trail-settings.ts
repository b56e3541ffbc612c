/**
 * The settings of the trail, sealed. They decide what is pruned, so someone with the database but without the key must
 * not be able to make the server prune entries.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { AuditSettings } from '../../contract/audit.ts'
import type { Logger } from '../platform/logger.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AuditStore } from './audit-store.ts'

const Stored = z.object({ settings: AuditSettings, seal: z.string() })

export const defaultSettings: AuditSettings = { reads: 'mail', keep_days: 365, keep_entries: 1_000_000 }

interface TrailSettingsOptions {
  store: Pick<AuditStore, 'findSettings'>
  secrets: Pick<SecretBox, 'derive'>
  logger: Logger
}

/** Returns the stored settings; the defaults, if there are none that were sealed with this key. */
export async function loadSettings({ store, secrets, logger }: TrailSettingsOptions): Promise<AuditSettings> {
  const stored = await store.findSettings()
  const settings = openSettings(stored, secrets)
  if (!settings && stored !== undefined) {
    logger.error(
      'the settings of the audit trail were not sealed with this key: the defaults apply until they are set again',
    )
  }
  return settings ?? defaultSettings
}

/** Returns the settings in the stored form. */
export function sealSettings(settings: AuditSettings, secrets: Pick<SecretBox, 'derive'>): z.infer<typeof Stored> {
  return { settings, seal: sealOf(settings, secrets) }
}

/** Returns undefined for settings that were not sealed with this key. */
export function openSettings(stored: unknown, secrets: Pick<SecretBox, 'derive'>): AuditSettings | undefined {
  const { data } = Stored.safeParse(stored)
  if (!data) return undefined
  const [given, wanted] = [Buffer.from(data.seal), Buffer.from(sealOf(data.settings, secrets))]
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? data.settings : undefined
}

function sealOf({ reads, keep_days, keep_entries }: AuditSettings, secrets: Pick<SecretBox, 'derive'>): string {
  const text = JSON.stringify([reads, keep_days, keep_entries])
  return createHmac('sha256', secrets.derive('audit settings')).update(text).digest('hex')
}
