/** Policies that are set while they are read, and that cannot be read. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { policiesOn, strict } from '../../test/support/policies-on.ts'
import { reader } from '../../test/support/tokens-on.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { PolicyRates } from './policy-rates.ts'
import { PolicyService } from './policy-service.ts'
import { PolicyStore } from './policy-store.ts'
import { unreadablePolicy } from './stored-policy.ts'

/** A process that follows the policies that `policies` sets, and whose reads can be held up and can fail. */
async function followedOn() {
  const world = await policiesOn(await memoryDatabase())
  const { hub, db } = world
  const ann = await world.signIn('ann', 'operator', 'all')
  const { token, info } = await world.tokens.create(ann, reader)
  const bot = (await world.who(token))!
  const reading = { after: async (): Promise<void> => undefined, reads: 0 }
  class HeldStore extends PolicyStore {
    override async find(...asked: Parameters<PolicyStore['find']>) {
      const row = await super.find(...asked)
      reading.reads++
      await reading.after()
      return row
    }
    override async list() {
      const rows = await super.list()
      reading.reads++
      await reading.after()
      return rows
    }
  }
  const store = new HeldStore(db)
  const [now, logger] = [Date.now, createLogger('silent')]
  const ownerOf = (id: string) => world.store.find(id)
  const findCaller = async (principal: Principal) => principal
  const other = new PolicyService({ store, rates: new PolicyRates(store, now), hub, ownerOf, findCaller, now, logger })
  onTestFinished(() => other.stop())
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    reading.after = () => {
      reading.after = async () => undefined
      return promise
    }
    return resolve
  }
  const set = (mode: TokenPolicy['mode']) => world.policies.set(ann, info.id, { ...strict, mode })
  return { ...world, ann, bot, info, other, reading, hold, set }
}

test('of two reads of a policy the one that began later counts, whichever is answered first', async () => {
  const { bot, other, reading, hold, set } = await followedOn()
  await other.start()
  const release = hold()
  const { reads } = reading
  await set('act')
  await expect.poll(() => reading.reads).toBe(reads + 1)
  await set('propose')
  await expect.poll(() => other.policyOf(bot)?.mode).toBe('propose')
  release()
  await new Promise(setImmediate)
  expect(other.policyOf(bot)?.mode).toBe('propose')
})

test('a policy that is set while a process reads them at its start is not missed', async () => {
  const { bot, other, reading, hold, set } = await followedOn()
  await set('act')
  const release = hold()
  const starting = other.start()
  await expect.poll(() => reading.reads).toBe(1)
  await set('propose')
  await expect.poll(() => other.policyOf(bot)?.mode).toBe('propose')
  release()
  await starting
  expect(other.policyOf(bot)?.mode).toBe('propose')
})

test('a policy that cannot be read when it is announced is read again a second later', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { bot, other, reading, set } = await followedOn()
  await other.start()
  reading.after = () => Promise.reject(new Error('no database'))
  await set('propose')
  await expect.poll(() => reading.reads).toBe(2)
  expect(other.policyOf(bot)).toEqual(defaultPolicy)
  reading.after = async () => undefined
  vi.advanceTimersByTime(1_000)
  await expect.poll(() => other.policyOf(bot)?.mode).toBe('propose')
})

test('a policy that cannot be read back after it was set applies anyway', async () => {
  const { ann, bot, info, other, reading } = await followedOn()
  await other.start()
  reading.after = () => Promise.reject(new Error('no database'))
  expect(await other.set(ann, info.id, strict)).toMatchObject({ policy: strict, is_default: false })
  expect(other.policyOf(bot)).toEqual(strict)
})

test('a token with all rights sees no other token’s policy, and a missing token has none for anyone', async () => {
  const { policies, signIn, tokens, who, info } = await followedOn()
  const ada = await signIn('ada', 'administrator', 'all')
  const { token } = await tokens.create(ada, { ...reader, scopes: ['dashboard:admin'] })
  await expect(policies.get((await who(token))!, info.id)).rejects.toMatchObject({ code: 'token_not_found' })
  expect(await policies.get(ada, info.id)).toMatchObject({ is_default: true })
  for (const asked of [policies.get(ada, 'nosuch'), policies.set(ada, 'nosuch', strict)]) {
    await expect(asked).rejects.toMatchObject({ code: 'token_not_found' })
  }
})

test('a stored policy that cannot be read allows nothing, and says so', async () => {
  const { policies, ann, bot, info, other, set, db } = await followedOn()
  await set('act')
  await db.updateTable('token_policies').set({ policy: '{"mode":"act"}' }).execute()
  await other.start()
  expect(other.policyOf(bot)).toMatchObject({
    mode: 'propose',
    sending: { recipients: [] },
    organizing: { folders: [], max_per_hour: 0, may_delete: false },
  })
  expect((await other.get(ann, info.id)).words).toEqual([unreadablePolicy])
  expect(await policies.read(bot)).toMatchObject({ isUnreadable: true, policy: { mode: 'propose' } })
})
