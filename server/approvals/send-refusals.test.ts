/** What is refused before it is taken in: unreadable policies, and messages that their mail server would not take. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { agent, ann, signal, startSending } from '../../test/support/send-world.ts'
import { unreadablePolicy } from '../policies/stored-policy.ts'

const approval = { always: false, strangers: false, tainted_minutes: null }
const free: TokenPolicy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval } }
const body = { format: 'text', content: 'x' } as const

test('while the policy of a token cannot be read, nothing is taken in, and a dry run says so', async () => {
  const world = await startSending()
  const draft = await world.create({ to: ['a@example.org'], body })
  world.rules.policy = free
  world.rules.isPolicyUnreadable = true
  expect(await world.sending.check(agent, 'a', draft.id, 1, signal)).toMatchObject({
    verdict: 'deny',
    findings: [{ why: unreadablePolicy }],
  })
  await expect(world.send(draft)).rejects.toMatchObject({ code: 'policy_denied' })
  expect((await world.sending.check(ann, 'a', draft.id, 1, signal)).verdict).toBe('send')
})

test('a message that is larger than its mail server takes is refused before it is taken in', async () => {
  const limit = { bytes: 100 }
  const world = await startSending({ sizeLimitOf: () => limit.bytes })
  world.rules.policy = free
  const draft = await world.create({ to: ['a@example.org'], body })
  await expect(world.send(draft)).rejects.toMatchObject({ code: 'too_large', extension: { part: 'smtp' } })
  limit.bytes = 100_000
  expect((await world.send(draft)).state).toBe('queued')
})
