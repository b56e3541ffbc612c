/** Who has to approve: set by users, the same in each process from then on; what cannot be read approves nothing. */
import { expect, test } from 'vitest'
import { type ApprovalSettings, defaultApprovalSettings } from '../../contract/approvals.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, ann } from '../../test/support/draft-world.ts'
import { startHub } from '../../test/support/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { SettingStore } from '../settings/setting-store.ts'
import { ApprovalSettingsHolder, type KeptSettings, settingsProblem } from './approval-settings.ts'
import type { FindDecider } from './current-caller.ts'

const strict: ApprovalSettings = { ...defaultApprovalSettings, approvers: 2, own_tokens: false, expires_hours: 24 }
const readable = (settings: ApprovalSettings) => ({ ...settings, is_unreadable: false })

async function settingsOn(db?: Database) {
  const { hub, facts, db: opened } = await startHub(db)
  const findDecider: FindDecider = async principal => principal
  const open = (store: KeptSettings = new SettingStore(opened), find = findDecider) =>
    new ApprovalSettingsHolder(store, hub, find, createLogger('silent'))
  const store = async (value: string) => {
    await opened.deleteFrom('settings').where('name', '=', 'approvals').execute()
    await opened.insertInto('settings').values({ name: 'approvals', value, updated_at: '' }).execute()
  }
  return { db: opened, facts, open, store }
}

onEachDatabase(open => {
  test('a change that waited behind the end of its user, or its rights, is refused', async () => {
    const { facts, open: openOn } = await settingsOn(await open())
    const gone = openOn(undefined, async () => undefined)
    await expect(gone.set(ann, strict)).rejects.toMatchObject({ code: 'unauthorized' })
    const demoted = openOn(undefined, async principal => ({ ...principal, scopes: new Set(['dashboard:read']) }))
    await expect(demoted.set(ann, strict)).rejects.toMatchObject({ code: 'forbidden' })
    expect([await openOn().read(), facts()]).toEqual([readable(defaultApprovalSettings), []])
  })

  test('a user sets them, and they apply immediately, in another process too, and in its transactions', async () => {
    const { db, facts, open: openOn } = await settingsOn(await open())
    const [settings, other] = [openOn(), openOn()]
    expect(await settings.read()).toEqual(readable(defaultApprovalSettings))
    expect(await settings.set(ann, strict)).toEqual(readable(strict))
    expect([await settings.read(), await other.read()]).toEqual([readable(strict), readable(strict)])
    await db.transaction().execute(async transaction => {
      expect(await other.read(transaction)).toEqual(readable(strict))
    })
    expect(facts()).toMatchObject([
      { type: 'configuration_updated', data: { changed: ['approvals'], principal: ann.name } },
    ])
  })

  test('what cannot be read approves nothing until a user sets it again', async () => {
    const { open: openOn, store } = await settingsOn(await open())
    const settings = openOn()
    const later = JSON.stringify({ ...strict, approve_by_fax: true })
    for (const value of ['{"approvers":', 'null', '[]', '{}', later, JSON.stringify({ ...strict, approvers: 0 })]) {
      await store(value)
      await settings.start()
      const read = await settings.read()
      expect([read.is_unreadable, settingsProblem(read)?.code], value).toEqual([true, 'not_possible_now'])
    }
    // Settings that were read may be sent back whole.
    await settings.set(ann, { ...(await settings.read()), ...strict })
    expect(await settings.read()).toEqual(readable(strict))
    expect(settingsProblem(await settings.read())).toBeUndefined()
  })
})

test('programs set none, and nothing is stored or told', async () => {
  const { facts, open } = await settingsOn()
  const settings = open()
  for (const principal of [agent, { ...ann, kind: 'token' as const }, { ...ann, kind: 'api_key' as const }]) {
    await expect(settings.set(principal, strict)).rejects.toMatchObject({ code: 'session_needed' })
  }
  expect([await settings.read(), facts()]).toEqual([readable(defaultApprovalSettings), []])
})

test('settings that could not be stored do not apply, and a database that fails is not taken for settings', async () => {
  const { open } = await settingsOn()
  const full = open({ find: async () => undefined, save: () => Promise.reject(new Error('the disk is full')) })
  await expect(full.set(ann, strict)).rejects.toThrow('the disk is full')
  expect(await full.read()).toEqual(readable(defaultApprovalSettings))
  const away = open({ find: () => Promise.reject(new Error('the database is away')), save: async () => undefined })
  await expect(away.read()).rejects.toThrow('the database is away')
})
