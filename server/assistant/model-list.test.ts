/** A list of models is read as far as a provider could mean it; one that costs much to read is refused before. */
import { expect, test } from 'vitest'
import { listModelsOf } from './model-list.ts'
import type { ModelSettings } from './model-settings.ts'

const settings = { kind: 'openai_compatible', name: 'Mine', baseUrl: 'http://127.0.0.1:1/v1' } as ModelSettings
const listed = (text: string) => listModelsOf(settings, async () => new Response(text), new AbortController().signal)
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

test('one with many models is read, and one that is nested without end is not', async () => {
  const models = Array.from({ length: 900 }, (_, id) => `{"id":"m${id}","architecture":{"in":["text","image"]}}`)
  expect(await listed(`{"data":[${models.join(',')}]}`)).toHaveLength(500)
  expect(await listed(`{"data":[{"id":"m","more":${nested(5)}}]}`)).toMatchObject([{ id: 'm' }])
  await expect(listed(`{"data":[{"id":"m","more":${nested(40)}}]}`)).rejects.toThrow('sent an invalid response')
})
