/** Calls of tools in an answer: which of them wait for a person, and until when they may be allowed. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { asked, noAbort, person, serviceOn } from '../../test/support/assistant-service.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { type Script, toolCall } from '../../test/support/scripted-choice.ts'
import type { Principal } from '../platform/principal.ts'

/** Two calls that wait, of which the first is allowed and does not end before the gate opens. */
async function halfAllowed() {
  const gate = Promise.withResolvers<void>()
  const db = await memoryDatabase()
  const script: Script = () => [toolCall('change', { to: 1 }, 'a'), toolCall('change', { to: 2 }, 'b')]
  const first = serviceOn(db, script, undefined, gate.promise)
  const {
    conversation_id: id,
    answer_id: answerId,
    tool_calls: calls,
  } = await first.service.query(asked, { query: 'Change both.' }, noAbort())
  const [one, two] = calls.map(call => ({
    named: { conversationId: id, answerId, callId: call.id },
    given: { decision: 'allow' as const, input_hash: call.input_hash },
  }))
  await first.service.decide(asked, one!.named, one!.given)
  await vi.waitFor(() => expect(first.ran).toEqual(['change']))
  return { ...first, db, script, id, answerId, two: two!, gate }
}

test('what waits in an answer that is stopped cannot be allowed any more', async () => {
  const { service, conversations, ran, id, answerId, two, gate } = await halfAllowed()
  const stopped = service.stopAnswer(person, id, answerId)
  gate.resolve()
  expect(await stopped).toMatchObject({ state: 'stopped' })
  await expect(service.decide(asked, two.named, two.given)).rejects.toMatchObject({ code: 'not_possible_now' })
  expect(ran).toEqual(['change'])
  const { items } = await conversations.get(person, id)
  expect(items[0]?.blocks).toMatchObject([
    { call: { outcome: 'ok' } },
    { call: { outcome: 'stopped', expires_at: null } },
  ])
})

test('what waited beside a change that was being done when the server was killed cannot be allowed any more', async () => {
  const { db, script, id, two, gate } = await halfAllowed()
  onTestFinished(() => gate.resolve())
  const after = serviceOn(db, script)
  await after.service.start()
  await expect(after.service.decide(asked, two.named, two.given)).rejects.toMatchObject({ code: 'not_possible_now' })
  expect(after.ran).toEqual([])
  expect((await after.conversations.get(person, id)).items[0]).toMatchObject({
    state: 'failed',
    blocks: [
      { call: { outcome: 'stopped', result: expect.stringContaining('whether it was done is not known') } },
      { call: { outcome: 'stopped' } },
    ],
  })
})

test('what destroys is refused to a token, and waits for a person', async () => {
  const { service, ran } = serviceOn(await memoryDatabase(), ({ messages }) =>
    messages.some(({ role }) => role === 'tool') ? ['hm'] : [toolCall('destroy', {}), toolCall('change', {}, 'y')],
  )
  const token: Principal = { ...person, id: 'token-1', kind: 'token' }
  const asToken = { ...asked, caller: { ...asked.caller, principal: token } }
  const { tool_calls: calls } = await service.query(asToken, { query: 'Q' }, noAbort())
  expect(calls.map(({ outcome }) => outcome)).toEqual(['refused', 'ok'])
  expect(calls[0]?.result).toMatch(/Only a signed-in person/)
  expect(ran).toEqual(['change'])
  expect((await service.query(asked, { query: 'Q' }, noAbort())).tool_calls).toMatchObject([
    { outcome: 'waiting', effect: 'destroy' },
    { outcome: 'waiting' },
  ])
})

test('a call that is not decided in time is not executed', async () => {
  let now = Date.now()
  const db = await memoryDatabase()
  const { service, ran, conversations } = serviceOn(
    db,
    () => [toolCall('change', {})],
    () => now,
  )
  const {
    conversation_id: id,
    answer_id: answerId,
    tool_calls: calls,
  } = await service.query(asked, { query: 'Change it.' }, noAbort())
  now += 31 * 60_000
  const named = { conversationId: id, answerId, callId: calls[0]!.id }
  const given = { decision: 'allow' as const, input_hash: calls[0]!.input_hash }
  await expect(service.decide(asked, named, given)).rejects.toMatchObject({ code: 'not_possible_now' })
  await service.expire()
  expect((await conversations.get(person, id)).items[0]).toMatchObject({
    state: 'done',
    blocks: [{ call: { outcome: 'expired' } }],
  })
  expect(ran).toEqual([])
})

for (const how of ['signed out', 'stopped'] as const) {
  test(`of several allowed calls, those that wait for the first are not done when their person is ${how} meanwhile`, async () => {
    const gate = Promise.withResolvers<void>()
    const { service, conversations, ran } = serviceOn(
      await memoryDatabase(),
      () => [1, 2, 3].map(to => toolCall('change', { to })),
      Date.now,
      gate.promise,
    )
    const {
      conversation_id: conversationId,
      answer_id: answerId,
      tool_calls: calls,
    } = await service.query(asked, { query: 'Change them.' }, noAbort())
    for (const { id: callId, input_hash } of calls) {
      await service.decide(asked, { conversationId, answerId, callId }, { decision: 'allow', input_hash })
    }
    await vi.waitFor(() => expect(ran).toEqual(['change']))
    const stopped = how === 'stopped' ? service.stopAnswer(person, conversationId, answerId) : undefined
    if (!stopped) service.revoked(person.id)
    gate.resolve()
    await stopped
    const state = async () => (await conversations.get(person, conversationId)).items[0]!.state
    await vi.waitFor(async () => expect(await state()).toBe(how === 'stopped' ? 'stopped' : 'failed'))
    expect(ran).toEqual(['change'])
  })
}

test('excessive tool calls of a provider are refused to the model, or end the answer with an explanation', async () => {
  let deep: unknown = {}
  for (let level = 0; level < 20_000; level++) deep = { deep }
  const endless = JSON.parse('{"to":1e400}')
  const { service, ran, choice } = serviceOn(await memoryDatabase(), ({ messages }) =>
    messages.some(({ role }) => role === 'tool') ? ['done'] : [toolCall('change', deep), toolCall('look', endless)],
  )
  const { response, tool_calls: calls } = await service.query(asked, { query: 'Q' }, noAbort())
  expect([response, ran]).toEqual(['done', []])
  expect(calls.map(({ outcome, result, input }) => [outcome, result?.slice(0, 31), input])).toEqual(
    Array(2).fill(['refused', 'The input is not a JSON object,', null]),
  )
  choice.script = () => Array.from({ length: 50_000 }, (_, to) => toolCall('look', { to }))
  await expect(service.query(asked, { query: 'Q' }, noAbort())).rejects.toMatchObject({
    code: 'provider_failed',
    message: 'one was ended after 128 calls of tools in one step.',
  })
  expect(ran).toEqual([])
})

test('calls above the bound of a step are refused to the model; one above all bounds ends the answer; the next question works', async () => {
  const many = (count: number) => Array.from({ length: count }, (_, to) => toolCall('look', { to }, `c${to}`))
  const { service, ran, choice, conversations } = serviceOn(await memoryDatabase(), ({ messages }) =>
    messages.some(({ role }) => role === 'tool') ? ['done'] : many(40),
  )
  const { conversation_id: id, ...first } = await service.query(asked, { query: 'Q' }, noAbort())
  expect([first.response, ran.length]).toEqual(['done', 16])
  const outcomes = first.tool_calls.map(({ outcome }) => outcome)
  expect(outcomes).toEqual([...Array(16).fill('ok'), ...Array(24).fill('refused')])
  expect(first.tool_calls.at(-1)?.result).toBe('Only 16 calls are run at once; make the others in the next step.')
  choice.script = () => many(129)
  const more = { query: 'Q', conversation_id: id }
  await expect(service.query(asked, more, noAbort())).rejects.toMatchObject({ code: 'provider_failed' })
  choice.script = () => ['fine']
  expect((await service.query(asked, more, noAbort())).response).toBe('fine')
  const { items } = await conversations.get(person, id)
  expect(items.map(({ state }) => state)).toEqual(['done', 'failed', 'done'])
  expect(items[1]?.problem?.detail).toMatch(/was ended after 128 calls of tools in one step/)
})
