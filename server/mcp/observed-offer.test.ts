/** Outcomes of operations, as the metrics count them. */
import { expect, test } from 'vitest'
import { Problem } from '../platform/problem.ts'
import { type McpCallContext, McpError, type McpOffer, mcpErrors } from './mcp-port.ts'
import { observedOffer } from './watched-offer.ts'

test('an error is refused or failed, also one of an extension; a client that left is neither', async () => {
  const ended: string[] = []
  let error: unknown
  const work = async () => {
    if (error) throw error
    return {}
  }
  const extensions = [{ name: 'events', settings: {}, methods: { 'events/poll': { isStream: false, answer: work } } }]
  const offer = observedOffer({ extensions, readResource: work, getPrompt: work } as unknown as McpOffer, operation => {
    ended.push(`${operation.method} ${operation.outcome}`)
  })
  const asking = (signal = new AbortController().signal) => ({ signal }) as McpCallContext
  await offer.readResource('mail://a', asking())
  error = new McpError(mcpErrors.invalidParams, 'There is no prompt.')
  await expect(offer.getPrompt('nope', {}, asking())).rejects.toBe(error)
  error = new Problem('forbidden', 'No.')
  await expect(offer.extensions[0]!.methods['events/poll']!.answer({}, asking() as never)).rejects.toBe(error)
  error = new Error('a bug')
  await expect(offer.readResource('mail://a', asking())).rejects.toBe(error)
  await expect(offer.readResource('mail://a', asking(AbortSignal.abort()))).rejects.toBe(error)
  expect(ended).toEqual([
    'resources/read ok',
    'prompts/get refused',
    'events/poll refused',
    'resources/read failed',
    'resources/read ok',
  ])
})
