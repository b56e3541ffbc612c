/** The retention clock in the settings; before it was first stored, the time of the newest fact. */
import { z } from 'zod'
import type { Database } from '../platform/database/database.ts'
import type { FindLease } from '../platform/lease.ts'
import type { RetentionClockStore } from '../platform/retention-clock.ts'
import { SettingStore } from './setting-store.ts'

const settingName = 'retention_clock'
const Kept = z.object({ at: z.iso.datetime() })

/**
 * @param findLease The lease of the process that prunes, which alone advances the clock. Undefined if there can be no
 * other process.
 */
export function retentionStore(db: Database, findLease?: FindLease): RetentionClockStore {
  const settings = new SettingStore(db)
  return {
    find: async () => {
      const kept = Kept.safeParse(await settings.find(settingName))
      if (kept.success) return Date.parse(kept.data.at)
      const newest = await db.selectFrom('events').select('at').orderBy('number', 'desc').limit(1).executeTakeFirst()
      const at = Date.parse(newest?.at ?? '')
      return Number.isNaN(at) ? undefined : at
    },
    save: async time => {
      const at = new Date(time).toISOString()
      const lease = findLease?.()
      if (findLease && !lease) return
      await db.transaction().execute(async transaction => {
        await lease?.fence(transaction)
        await settings.save(transaction, settingName, { at }, at)
      })
    },
  }
}
