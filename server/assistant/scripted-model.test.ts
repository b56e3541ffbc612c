/** ScriptedModel keeps the promises of ChatModel that need no network. */
import { expect, test } from 'vitest'
import { ScriptedModel } from '../../test/support/scripted-model.ts'
import { Problem } from '../platform/problem.ts'
import { collect } from './chat-model.suite.ts'
import type { Part } from './chat-model.ts'

const answer: Part[] = [
  { type: 'text_delta', text: 'Good ' },
  { type: 'text_delta', text: 'morning!' },
  { type: 'finish', usage: { input_tokens: 1, output_tokens: 2 }, reason: 'stop' },
]

test('the script is played in order, again for each question', async () => {
  const model = new ScriptedModel({ script: answer })
  expect(await collect(model)).toEqual(answer)
  expect(await collect(model)).toEqual(answer)
  expect(model.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(['Grüß mich 👋', 'Grüß mich 👋'])
})

test('a pause in the script lasts until its promise is kept', async () => {
  const gate = Promise.withResolvers<void>()
  const parts = new ScriptedModel({ script: [answer[0]!, gate.promise, answer[1]!] }).stream({
    messages: [],
    signal: new AbortController().signal,
  })
  expect((await parts.next()).value).toEqual(answer[0])
  const second = parts.next()
  gate.resolve()
  expect((await second).value).toEqual(answer[1])
})

test('a failure in the script is thrown after what came before it', async () => {
  const failure = new Problem('provider_failed', 'worn out')
  const parts = new ScriptedModel({ script: [answer[0]!, failure] }).stream({
    messages: [],
    signal: new AbortController().signal,
  })
  await parts.next()
  await expect(parts.next()).rejects.toBe(failure)
})

test('a script that hangs is given up at the deadline, and left with the reason when the reader goes', async () => {
  const model = new ScriptedModel({ script: [new Promise(() => undefined)] })
  await expect(collect(model, AbortSignal.timeout(30))).rejects.toMatchObject({ code: 'provider_timeout' })
  const abort = new AbortController()
  const reading = collect(model, abort.signal)
  abort.abort(new Error('the reader left'))
  await expect(reading).rejects.toThrow('the reader left')
  await expect(collect(model, abort.signal)).rejects.toThrow('the reader left')
})
