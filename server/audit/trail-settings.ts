/**
 * The settings of the trail under a seal. They say what is forgotten: whoever has the database without the key must not be able to
 * have the server itself forget entries.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { AuditSettings } from '../../contract/audit.ts'
import type { SecretBox } from '../platform/secret-box.ts'

const Stored = z.object({ settings: AuditSettings, seal: z.string() })

export const defaultSettings: AuditSettings = { reads: 'mail', keep_days: 365, keep_entries: 1_000_000 }

/** As it is stored. */
export function sealSettings(settings: AuditSettings, secrets: Pick<SecretBox, 'derive'>): z.infer<typeof Stored> {
  return { settings, seal: sealOf(settings, secrets) }
}

/** Undefined for what was not sealed with this key. */
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
