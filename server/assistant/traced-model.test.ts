/** Traces of model calls: which model, how much, and how it ended; none of the text. */
import { expect, test } from 'vitest'
import { startTraced } from '../../test/support/traced.ts'
import { Problem } from '../platform/problem.ts'
import type { ChatModel, Part } from './chat-model.ts'
import { tracedModel } from './traced-model.ts'

function modelOf(model: string, parts: (Part | Error)[]): ChatModel {
  return {
    ...{ id: 'openai', provider: 'openai', isLocal: false, takesTools: true, contextTokens: 1_000 },
    model,
    async *stream() {
      for (const part of parts) {
        if (part instanceof Error) throw part
        yield part
      }
    },
  }
}

const asked = { messages: [{ role: 'user', content: 'Zebrafinch' }], signal: new AbortController().signal } as const

test('an answer is told with its tokens, a failure with its kind, and a reader that leaves as such', async () => {
  const { collector, tracer } = await startTraced()
  const words: Part = { type: 'text_delta', text: 'Zebrafinch' }
  const finish: Part = { type: 'finish', usage: { input_tokens: 12, output_tokens: 34 }, reason: 'stop' }
  const failed = new Problem('provider_limited', 'Zebrafinch')
  const models = [modelOf('good', [words, finish]), modelOf('bad', [words, failed]), modelOf('long', [words, words])]
  const [good, bad, long] = models.map(model => tracedModel(model, tracer))
  const parts: Part[] = []
  await tracer.trace('question', {}, async () => {
    for await (const part of good!.stream(asked)) parts.push(part)
  })
  expect(parts).toEqual([words, finish])
  const failing = async () => {
    for await (const part of bad!.stream(asked)) parts.push(part)
  }
  await expect(failing()).rejects.toBe(failed)
  for await (const _part of long!.stream(asked)) break

  const told = await collector.until('chat good')
  expect(told).toMatchObject({ kind: 3, status: 0, parentId: (await collector.until('question')).spanId })
  expect(told.attributes).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'good',
    'gen_ai.usage.input_tokens': 12,
    'gen_ai.usage.output_tokens': 34,
  })
  expect(await collector.until('chat bad')).toMatchObject({
    status: 2,
    attributes: { 'error.type': 'provider_limited' },
  })
  expect(await collector.until('chat long')).toMatchObject({ status: 0, attributes: { 'rustymail.outcome': 'left' } })
  expect(collector.text).not.toContain('Zebrafinch')
})
