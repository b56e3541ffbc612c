/** Answers over a real database: what a server that ended left behind, how many there may be at once, and what becomes of those whose time is over. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { AssistantToolCall, ChatbotPart } from '../../contract/answers.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { type Script, ScriptedChoice, scriptedModel, toolCall } from '../../test/support/scripted-choice.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { CallSurroundings } from './answer-calls.ts'
import { AssistantService } from './assistant-service.ts'
import { ConversationService } from './conversation-service.ts'
import { ConversationStore } from './conversation-store.ts'
import { maxAnswersOfOwner } from './working-answers.ts'

const person: Principal = {
  ...{ id: 'session-1', name: 'Ann', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' },
}
const asked = { caller: { principal: person, address: '', userAgent: '' }, requestId: 'r-1' }
const forever = new Promise(() => undefined)
const noAbort = () => new AbortController().signal

const tools = ['look', 'change', 'destroy'] as const
function surroundings(ran: string[], held?: Promise<unknown>): CallSurroundings {
  return {
    toolbox: {
      list: () =>
        tools.map(name => ({
          ...{ name, title: name, description: name, annotations: {} },
          ...{ inputSchema: { type: 'object' as const }, outputSchema: { type: 'object' as const } },
        })),
      has: name => tools.some(known => known === name),
      check: () => undefined,
      refuseUnknown: () => undefined,
      // As the toolbox does it.
      call: async (name, _input, { signal }) => {
        if (signal.aborted) return { isError: true, problem: { code: 'bad_request', message: 'The client went away.' } }
        ran.push(name)
        if (name === 'change') await held
        return { isError: false, output: { done: name } }
      },
    },
    effectOf: name => (name === 'look' ? 'read' : name === 'destroy' ? 'destroy' : 'write'),
    isOfMail: () => false,
    accountIds: async () => [],
    shareOf: () => 'text',
    describe: async () => undefined,
    leftOut: () => false,
  }
}

function serviceOn(db: Database, script: Script, now = () => Date.now(), held?: Promise<unknown>) {
  const store = new ConversationStore(db)
  const choice = new ScriptedChoice(script)
  const ran: string[] = []
  const logger = createLogger('silent')
  const service = new AssistantService({
    choice,
    store,
    calls: surroundings(ran, held),
    changed: () => undefined,
    logger,
    now,
  })
  onTestFinished(() => service.stop())
  const conversations = new ConversationService({
    store,
    end: id => service.end(id),
    underWay: id => service.underWay(id),
  })
  return { service, conversations, choice, ran, store, logger }
}

onEachDatabase(open => {
  test('what a server worked on when it was killed has failed, loses nothing that was stored, and the next question works', async () => {
    const db = await open()
    const before = serviceOn(db, () => ['so far', forever])
    const answer = await before.service.ask(asked, { query: 'Long?' })
    await vi.waitFor(() => expect(answer.text).toBe('so far'))
    await answer.store()
    const after = serviceOn(db, () => ['fine'])
    await after.service.start()
    const id = answer.row.conversation_id
    const [item] = (await after.conversations.get(person, id)).items
    expect(item).toMatchObject({
      state: 'failed',
      blocks: [{ type: 'text', text: 'so far' }],
      problem: { detail: expect.stringContaining('The server stopped') },
    })
    const parts = await after.service.follow(person, { conversationId: id, answerId: item!.id, after: 0 }, noAbort())
    const seen: ChatbotPart[] = []
    for await (const part of parts) seen.push(part)
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_part, index) => index + 1))
    expect(seen.at(-1)?.type).toBe('error')
    expect((await after.service.query(asked, { query: 'Next?', conversation_id: id }, noAbort())).response).toBe('fine')
  })

  test('what waits for a person outlives the server, and is done once when they allow it', async () => {
    const db = await open()
    const script: Script = ({ messages }) =>
      messages.some(({ role }) => role === 'tool') ? ['done'] : [toolCall('change', { to: 1 })]
    const first = serviceOn(db, script)
    const {
      conversation_id: id,
      answer_id: answerId,
      tool_calls: calls,
    } = await first.service.query(asked, { query: 'Change it.' }, noAbort())
    expect([first.ran, calls[0]?.outcome]).toEqual([[], 'waiting'])
    const second = serviceOn(db, script)
    await second.service.start()
    const named = { conversationId: id, answerId, callId: calls[0]!.id }
    const given = { decision: 'allow' as const, input_hash: calls[0]!.input_hash }
    const both = await Promise.allSettled([
      second.service.decide(asked, named, given),
      second.service.decide(asked, named, given),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await vi.waitFor(async () => expect((await second.conversations.get(person, id)).state).toBe('idle'))
    expect(second.ran).toEqual(['change'])
    expect((await second.conversations.get(person, id)).items[0]?.blocks.at(-1)).toMatchObject({ text: 'done' })
  })
})

onEachDatabase(open => {
  test('what no database stores as text does not keep an answer from its end', async () => {
    const { service, conversations } = serviceOn(await open(), () => ['a\0b \ud800'])
    const { conversation_id: id, response } = await service.query(asked, { query: 'Q\0?' }, noAbort())
    expect(response).toBe('a\ufffdb \ud800')
    expect(await conversations.get(person, id)).toMatchObject({ state: 'idle', items: [{ state: 'done' }] })
    expect((await conversations.list(person, { q: 'a\0b', limit: 10 })).items).toHaveLength(1)
  })
})

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

test('an answer whose end could not be stored does not keep the next question from being asked', async () => {
  const { service, store, conversations } = serviceOn(await memoryDatabase(), () => ['fine'])
  const failing = vi.spyOn(store, 'keep').mockRejectedValue(new Error('the disk is full'))
  const { conversation_id: id } = await service.query(asked, { query: 'Q' }, noAbort())
  await vi.waitFor(() => expect(failing.mock.calls.length).toBeGreaterThan(1))
  failing.mockRestore()
  await vi.waitFor(async () => {
    expect((await service.query(asked, { query: 'Next?', conversation_id: id }, noAbort())).response).toBe('fine')
  })
  expect((await conversations.get(person, id)).items.map(({ state }) => state)).not.toContain('running')
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

test('what a model said before it was stopped counts, and a later step counts no words of an earlier one', async () => {
  const db = await memoryDatabase()
  const { service, store } = serviceOn(db, () => ['x'.repeat(4_000), forever])
  const answer = await service.ask(asked, { query: 'Q' })
  await vi.waitFor(() => expect(answer.text).toHaveLength(4_000))
  await service.stopAnswer(person, answer.row.conversation_id, answer.row.id)
  expect((await store.find('session-1', answer.row.conversation_id))!.tokens).toBeGreaterThan(1_000)
  const steps = serviceOn(db, ({ messages }) =>
    messages.some(({ role }) => role === 'tool') ? ['y'] : ['x'.repeat(40_000), toolCall('look', {})],
  )
  const { conversation_id: id } = await steps.service.query(asked, { query: 'Q' }, noAbort())
  // Twice what was said: once by the model, once as it reads it.
  expect((await store.find('session-1', id))!.tokens).toBeLessThan(22_000)
})

test('a long conversation of short questions is summed up, by a model that reads it, and once in an answer', async () => {
  const blind = scriptedModel('rig', { takesTools: false })
  const { service, choice } = serviceOn(await memoryDatabase(), ({ messages }, { id }) => {
    const question = messages.findLast(({ role }) => role === 'user')!.content
    return [question.startsWith('Sum up') ? `They spoke of apples, says ${id}.` : 'yes']
  })
  choice.all = [blind, scriptedModel('two')]
  let id: string | undefined
  for (let count = 0; count < 60; count++) {
    const given = { query: `Question ${count}?`, conversation_id: id }
    id = (await service.query(asked, given, noAbort())).conversation_id
  }
  const summaries = choice.requests.filter(({ asked: { messages } }) => messages.at(-1)?.content.startsWith('Sum up'))
  expect(summaries.map(({ model }) => model)).toEqual(['two'])
  expect(JSON.stringify(summaries[0]?.asked.messages)).toContain('Question 0?')
  expect(JSON.stringify(choice.requests.at(-1)?.asked.messages)).toContain('says two.')
})

test('what is neither in a summary nor read is told to the model as left out', async () => {
  const { service, choice } = serviceOn(await memoryDatabase(), ({ messages }) => {
    const question = messages.findLast(({ role }) => role === 'user')!.content
    return [question.startsWith('Sum up') ? new Problem('provider_failed', 'down') : 'yes']
  })
  let id: string | undefined
  for (let count = 0; count < 45; count++) {
    const given = { query: `Question ${count}?`, conversation_id: id }
    id = (await service.query(asked, given, noAbort())).conversation_id
  }
  const told = JSON.stringify(choice.requests.at(-1)?.asked.messages)
  expect(told).toContain('Earlier parts of this conversation were left out')
  expect(told).not.toContain('Question 0?')
})

test('what nobody decided in time is not done', async () => {
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

test('there is room for so many answers of one person; the next is told to come back, and a place that is left is free again', async () => {
  const gate = Promise.withResolvers<void>()
  const { service } = serviceOn(await memoryDatabase(), () => [gate.promise, 'a'])
  const answers = await Promise.all(Array.from({ length: maxAnswersOfOwner }, () => service.ask(asked, { query: 'Q' })))
  await expect(service.ask(asked, { query: 'Q' })).rejects.toMatchObject({
    code: 'overloaded',
    extension: { retryAfterSeconds: 5 },
  })
  const [one] = answers
  await service.stopAnswer(person, one!.row.conversation_id, one!.row.id)
  const late = service.query(asked, { query: 'Q' }, noAbort())
  gate.resolve()
  expect((await late).response).toBe('a')
})

test('stopping ends the answers under way in words, and begins no more', async () => {
  const { service } = serviceOn(await memoryDatabase(), () => ['a', forever])
  const answer = await service.ask(asked, { query: 'Q' })
  await vi.waitFor(() => expect(answer.text).toBe('a'))
  await service.stop()
  expect(answer.view()).toMatchObject({ state: 'failed', problem: { code: 'draining' }, blocks: [{ text: 'a' }] })
  await expect(service.ask(asked, { query: 'Q' })).rejects.toMatchObject({ code: 'draining' })
})

test('readers of an answer that waits for a person end as the server stops', async () => {
  const { service } = serviceOn(await memoryDatabase(), () => [toolCall('change', {})])
  const { conversation_id: id, answer_id: answerId } = await service.query(asked, { query: 'Q' }, noAbort())
  const parts = await service.follow(person, { conversationId: id, answerId, after: 0 }, noAbort())
  const seen: string[] = []
  const reading = (async () => {
    for await (const part of parts) seen.push(part.type)
  })()
  await vi.waitFor(() => expect(seen.at(-1)).toBe('finish'))
  await service.stop()
  await reading
})

test('who is signed out, or stopped by a human, has no answer that goes on', async () => {
  const { service } = serviceOn(await memoryDatabase(), () => ['a', forever])
  const answer = await service.ask(asked, { query: 'Q' })
  service.revoked('session-2')
  expect(answer.state).toBe('running')
  service.revoked('session-1')
  await vi.waitFor(() => expect(answer.view()).toMatchObject({ state: 'failed', problem: { code: 'unauthorized' } }))
})

test('a conversation that is deleted while an allowed change is being done is no fault', async () => {
  const gate = Promise.withResolvers<void>()
  const script = () => [toolCall('change', {})]
  const { service, store, ran, logger } = serviceOn(await memoryDatabase(), script, Date.now, gate.promise)
  const errors = vi.spyOn(logger, 'error')
  const { tool_calls: calls, ...named } = await service.query(asked, { query: 'Change it.' }, noAbort())
  const [{ id: callId, input_hash }] = calls as [AssistantToolCall]
  const place = { conversationId: named.conversation_id, answerId: named.answer_id, callId }
  await service.decide(asked, place, { decision: 'allow', input_hash })
  await vi.waitFor(() => expect(ran).toEqual(['change']))
  await store.delete(named.conversation_id)
  gate.resolve()
  await service.end(named.conversation_id)
  expect(errors).not.toHaveBeenCalled()
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

test('what a provider asks of tools beyond all measure is told to the model, or ends the answer in words', async () => {
  let deep: unknown = {}
  for (let level = 0; level < 20_000; level++) deep = { deep }
  const endless = JSON.parse('{"to":1e400}')
  const { service, ran, choice } = serviceOn(await memoryDatabase(), ({ messages }) =>
    messages.some(({ role }) => role === 'tool') ? ['done'] : [toolCall('change', deep), toolCall('look', endless)],
  )
  const { response, tool_calls: calls } = await service.query(asked, { query: 'Q' }, noAbort())
  expect([response, ran]).toEqual(['done', []])
  expect(calls.map(({ outcome, result, input }) => [outcome, result?.slice(0, 28), input])).toEqual(
    Array(2).fill(['refused', 'The input is no JSON object,', null]),
  )
  choice.script = () => Array.from({ length: 50_000 }, (_, to) => toolCall('look', { to }))
  await expect(service.query(asked, { query: 'Q' }, noAbort())).rejects.toMatchObject({
    code: 'provider_failed',
    message: 'one was ended after 128 calls of tools in one step.',
  })
  expect(ran).toEqual([])
})

test('of more calls in one step than are run at once, the rest is told to the model in words; one past all measure ends; the next question works', async () => {
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
