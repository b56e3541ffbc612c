/** What humans change while a message is composed and judged, right before it is stored. */
import { expect, test, vi } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { agent, ann, startSending } from '../../test/support/send-world.ts'

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
const approval = { always: false, strangers: false, tainted_minutes: null }
const freely = (sending: Partial<TokenPolicy['sending']> = {}): TokenPolicy => ({
  ...defaultPolicy,
  sending: { ...defaultPolicy.sending, approval, ...sending },
})
const body = { format: 'text', content: 'x' } as const

test('a freeze that begins while a message is composed and judged stops it', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const transact = world.hub.transact.bind(world.hub)
  vi.spyOn(world.hub, 'transact').mockImplementationOnce(async work => {
    await world.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })
    return transact(work)
  })
  expect(await codeOf(world.send(draft))).toBe('frozen')
  expect((await world.drafts.get(agent, 'a', draft.id)).state).toBe('open')
})

test('a policy that is narrowed while a message is judged is the one that decides', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const judge = world.judge.judge.bind(world.judge)
  vi.spyOn(world.judge, 'judge').mockImplementationOnce(async (...given) => {
    const verdict = await judge(...given)
    world.rules.policy = freely({ recipients: [] })
    return verdict
  })
  expect(await codeOf(world.send(draft))).toBe('policy_denied')
  expect(world.senders.taken).toEqual([])
})
