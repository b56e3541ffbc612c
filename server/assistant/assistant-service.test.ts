/**
 * Answers on a real database: what a stopped server left behind, the limit on concurrent ones, and what happens to
 * those that exceed their time.
 */
import { expect, test, vi } from 'vitest'
import type { AssistantToolCall, ChatbotPart } from '../../contract/answers.ts'
import { asked, noAbort, person, serviceOn } from '../../test/support/assistant-service.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { type Script, scriptedModel, toolCall } from '../../test/support/scripted-choice.ts'
import { Problem } from '../platform/problem.ts'
import { maxAnswersOfOwner } from './working-answers.ts'

const forever = new Promise(() => undefined)

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

  test('what no database stores as text does not keep an answer from its end', async () => {
    const { service, conversations } = serviceOn(await open(), () => ['a\0b \ud800'])
    const { conversation_id: id, response } = await service.query(asked, { query: 'Q\0?' }, noAbort())
    expect(response).toBe('a\ufffdb \ud800')
    expect(await conversations.get(person, id)).toMatchObject({ state: 'idle', items: [{ state: 'done' }] })
    expect((await conversations.list(person, { q: 'a\0b', limit: 10 })).items).toHaveLength(1)
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
  // Twice the text: once as the model's output, once as its input.
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

test('turns that are neither summarised nor read are reported to the model as left out', async () => {
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

test('the answers of one person are bounded; a further question is asked to retry, and an ended answer makes room', async () => {
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
  expect(answer.view(person)).toMatchObject({ state: 'failed', problem: { code: 'draining' }, blocks: [{ text: 'a' }] })
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

test('no answer continues for a principal that was signed out, or stopped by a human', async () => {
  const { service } = serviceOn(await memoryDatabase(), () => ['a', forever])
  const answer = await service.ask(asked, { query: 'Q' })
  service.revoked('session-2')
  expect(answer.state).toBe('running')
  service.revoked('session-1')
  await vi.waitFor(() =>
    expect(answer.view(person)).toMatchObject({ state: 'failed', problem: { code: 'unauthorized' } }),
  )
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
