/** RigModel keeps the promises of ChatModel, and asks as the plan says. */
import { expect, test } from 'vitest'
import { ModelStandIn } from '../../../test/support/model-stand-in.ts'
import { chatModelSuite, collect, key } from '../chat-model.suite.ts'
import { RigModel } from './rig-model.ts'

const settings = { id: 'rig', kind: 'rig', name: 'rig', model: null, isLocal: false, contextTokens: 32_000 } as const
const create = (url: string, password: string) =>
  new RigModel({ settings: { ...settings, baseUrl: `${url.replace('//', `//rusty:${password}@`)}/ask` } })

chatModelSuite({ dialect: 'rig', isStreamed: false, create })

test('RIG gets the last question alone, and the password of its address as Basic authorization', async () => {
  await using standIn = await ModelStandIn.start('rig')
  await collect(create(standIn.url, key))
  const [received] = standIn.requests
  expect(received?.path).toBe('/ask')
  expect(received?.body).toEqual({ query: 'Grüß mich 👋' })
  expect(received?.headers.authorization).toBe(`Basic ${Buffer.from(`rusty:${key}`).toString('base64')}`)
})

test('a key in the query of the address is not told either', async () => {
  await using standIn = await ModelStandIn.start('rig', { does: 'refuse', status: 403, words: `${key} is spent` })
  const problem = await collect(
    new RigModel({ settings: { ...settings, baseUrl: `${standIn.url}/?key=${key}` } }),
  ).catch(error => error)
  expect(problem.message).toBe('rig answered 403: [redacted] is spent')
})

test('an answer without end is not read to the end', async () => {
  const body = JSON.stringify({ response: 'x'.repeat(3 * 1024 * 1024) })
  await using standIn = await ModelStandIn.start('rig', { does: 'send', status: 200, type: 'application/json', body })
  const problem = await collect(create(standIn.url, key)).catch(error => error)
  expect(problem).toMatchObject({ code: 'provider_failed' })
})
