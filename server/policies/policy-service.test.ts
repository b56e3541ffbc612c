/** Policies of tokens: who may see and set them, that they apply immediately and elsewhere, and go with their token. */
import { expect, test } from 'vitest'
import { defaultPolicy } from '../../contract/policy.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { policiesOn, strict } from '../../test/support/policies-on.ts'
import { reader } from '../../test/support/tokens-on.ts'

onEachDatabase(open => {
  test('an owner and an administrator set it, the token only sees it; it applies in this and in other processes, and goes with the token', async () => {
    const { policies, start, signIn, tokens, facts, who } = await policiesOn(await open())
    const [ann, ada, ben] = [
      await signIn('ann', 'operator', 'all'),
      await signIn('ada', 'administrator', 'all'),
      await signIn('ben', 'operator', 'all'),
    ]
    const { token, info } = await tokens.create(ann, reader)
    const other = await start()
    const bot = (await who(token))!
    const { token: second } = await tokens.create(ann, reader)
    const sibling = (await who(second))!
    expect(await policies.get(ann, info.id)).toMatchObject({
      policy: defaultPolicy,
      is_default: true,
      changed_by: null,
    })
    for (const principal of [bot, { ...ann, kind: 'api_key' as const }]) {
      await expect(policies.set(principal, info.id, strict)).rejects.toMatchObject({ code: 'session_needed' })
    }
    for (const principal of [ben, sibling]) {
      await expect(policies.get(principal, info.id)).rejects.toMatchObject({ code: 'token_not_found' })
    }
    await expect(policies.set(ben, info.id, strict)).rejects.toMatchObject({ code: 'token_not_found' })
    await expect(policies.set(ann, 'nosuch', strict)).rejects.toMatchObject({ code: 'token_not_found' })
    expect(policies.policyOf(bot)).toEqual(defaultPolicy)
    expect(await policies.set(ann, info.id, strict)).toMatchObject({ policy: strict, is_default: false })
    expect([policies.policyOf(bot), policies.policyOf(sibling), policies.policyOf(ann)]).toEqual([
      strict,
      defaultPolicy,
      undefined,
    ])
    await expect.poll(() => other.policyOf(bot)).toEqual(strict)
    expect((await policies.get(bot, info.id)).words).toContain('It may send only to addresses of example.com.')
    const again = await policies.set(ada, info.id, { ...strict, mode: 'propose' })
    expect([again.policy.mode, again.changed_by]).toEqual(['propose', ada.name])
    expect((await start()).policyOf(bot)?.mode).toBe('propose')
    const told = facts().flatMap(({ type, data }) => (type === 'token_updated' ? [data] : []))
    expect(told).toMatchObject([{ token_id: info.id, changed: ['policy'] }, { changed: ['policy'] }])
    // A clock that is set back makes no later policy an earlier one.
    const behind = await start(() => Date.now() - 3_600_000)
    expect(await behind.set(ada, info.id, strict)).toMatchObject({ policy: strict, changed_by: ada.name })
    expect(behind.policyOf(bot)).toEqual(strict)
    await expect.poll(() => [policies.policyOf(bot)?.mode, other.policyOf(bot)?.mode]).toEqual(['act', 'act'])
    await tokens.revoke(ann, info.id)
    expect((await start()).policyOf(bot)).toEqual(defaultPolicy)
    await expect.poll(() => other.policyOf(bot)).toEqual(defaultPolicy)
  })
})

test('a policy whose change waited behind the end of its user, or its rights, stays as it is', async () => {
  const { policies, callers, signIn, tokens } = await policiesOn(await memoryDatabase())
  const [ann, ada] = [await signIn('ann', 'operator', 'all'), await signIn('ada', 'administrator', 'all')]
  const { info } = await tokens.create(ann, reader)
  callers.find = () => undefined
  await expect(policies.set(ada, info.id, strict)).rejects.toMatchObject({ code: 'unauthorized' })
  callers.find = principal => ({ ...principal, scopes: new Set() })
  await expect(policies.set(ada, info.id, strict)).rejects.toMatchObject({ code: 'token_not_found' })
  expect((await policies.get(ann, info.id)).is_default).toBe(true)
  // Its owner needs no administrator's rights.
  expect((await policies.set(ann, info.id, strict)).is_default).toBe(false)
})

test('a time zone that there is none of is refused, and nothing is stored', async () => {
  const { db } = await startHub()
  const { policies, signIn, tokens } = await policiesOn(db)
  const ann = await signIn('ann', 'operator', 'all')
  const { info } = await tokens.create(ann, reader)
  const hours = { days: [1], from: '09:00', to: '17:00', time_zone: 'Mars/Olympus' }
  const odd = { ...strict, sending: { ...strict.sending, hours } }
  await expect(policies.set(ann, info.id, odd)).rejects.toMatchObject({ code: 'bad_request' })
  expect((await policies.get(ann, info.id)).is_default).toBe(true)
})
