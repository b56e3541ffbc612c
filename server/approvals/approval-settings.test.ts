/** Who has to approve: set by users, kept over a restart, followed where another process sets it; what cannot be read never stands. */
import { expect, onTestFinished, test } from 'vitest'
import { type ApprovalSettings, defaultApprovalSettings } from '../../contract/approvals.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, ann } from '../../test/support/draft-world.ts'
import { startHub } from '../../test/support/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { SettingStore } from '../settings/setting-store.ts'
import { ApprovalSettingsHolder, type KeptSettings } from './approval-settings.ts'

const strict: ApprovalSettings = { ...defaultApprovalSettings, approvers: 2, own_tokens: false, expires_hours: 24 }

async function settingsOn(db?: Database) {
  const { hub, facts, db: opened } = await startHub(db)
  const kept = new SettingStore(opened)
  const start = async (store: KeptSettings = kept) => {
    const settings = new ApprovalSettingsHolder(store, hub, createLogger('silent'))
    await settings.start()
    onTestFinished(() => settings.stop())
    return settings
  }
  return { hub, facts, kept, start }
}

onEachDatabase(open => {
  test('a user sets them: here they apply immediately, elsewhere when it is told, and after a restart', async () => {
    const { facts, start } = await settingsOn(await open())
    const [settings, other] = [await start(), await start()]
    expect(settings.current).toEqual(defaultApprovalSettings)
    expect(await settings.set(ann, strict)).toEqual(strict)
    expect(settings.current).toEqual(strict)
    await expect.poll(() => other.current).toEqual(strict)
    expect((await start()).current).toEqual(strict)
    expect(facts()).toMatchObject([
      { type: 'configuration_updated', data: { changed: ['approvals'], principal: ann.name } },
    ])
  })
})

test('programs set none, and nothing is stored or told', async () => {
  const { facts, start } = await settingsOn()
  const settings = await start()
  for (const principal of [agent, { ...ann, kind: 'token' as const }, { ...ann, kind: 'api_key' as const }]) {
    await expect(settings.set(principal, strict)).rejects.toMatchObject({ code: 'session_needed' })
  }
  expect([settings.current, (await start()).current, facts()]).toEqual([
    defaultApprovalSettings,
    defaultApprovalSettings,
    [],
  ])
})

test('settings that could not be stored do not apply', async () => {
  const { start } = await settingsOn()
  const settings = await start({
    find: async () => undefined,
    save: () => Promise.reject(new Error('the disk is full')),
  })
  await expect(settings.set(ann, strict)).rejects.toThrow('the disk is full')
  expect(settings.current).toEqual(defaultApprovalSettings)
})

test('of other settings nothing is read again, and one that was stopped follows no more', async () => {
  const { hub, kept, start } = await settingsOn()
  let reads = 0
  const counting: KeptSettings = {
    find: name => {
      reads++
      return kept.find(name)
    },
    save: (...values) => kept.save(...values),
  }
  const settings = await start(counting)
  const stopped = await start(counting)
  stopped.stop()
  expect(reads).toBe(2)
  const at = new Date().toISOString()
  await hub.publish({ type: 'configuration_updated', data: { changed: ['imap'], principal: 'x', at } })
  await (await start()).set(ann, strict)
  await expect.poll(() => settings.current).toEqual(strict)
  expect(reads).toBe(3)
  expect(stopped.current).toEqual(defaultApprovalSettings)
})
