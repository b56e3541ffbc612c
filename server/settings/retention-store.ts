/** How far the time of retention has got, in the settings; before it was first kept, the time of the newest fact. */
import { z } from 'zod'
import type { Database } from '../platform/database/database.ts'
import type { RetentionClockStore } from '../platform/retention-clock.ts'
import { SettingStore } from './setting-store.ts'

const settingName = 'retention_clock'
const Kept = z.object({ at: z.iso.datetime() })

export function retentionStore(db: Database): RetentionClockStore {
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
      await settings.save(db, settingName, { at }, at)
    },
  }
}
