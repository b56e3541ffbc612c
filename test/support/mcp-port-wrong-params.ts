/** Parameters that no method takes are refused in plain words. Part of the suite that every adapter of MCP passes. */
import { describe, expect, test } from 'vitest'
import { connectLegacy, requestModern } from './mcp-frames-client.ts'
import { type CreateAdapter, setUp } from './mcp-port-set-up.ts'

const prompt = { type: 'ref/prompt', name: 'test_prompt_with_arguments' }

/** Each names what is wrong with it. */
const wrong: [method: string, params: object, field: RegExp][] = [
  ['tools/call', {}, /name/],
  ['tools/call', { name: 5 }, /name/],
  ['tools/call', { name: 'echo', arguments: 'x' }, /arguments/],
  ['tools/call', { name: 'echo', arguments: [1] }, /arguments/],
  ['prompts/get', {}, /name/],
  ['prompts/get', { name: null }, /name/],
  ['prompts/get', { name: prompt.name, arguments: [] }, /arguments/],
  ['prompts/get', { name: prompt.name, arguments: { arg1: null } }, /arguments/],
  ['resources/read', {}, /uri/],
  ['resources/read', { uri: { a: 1 } }, /uri/],
  ['completion/complete', {}, /ref/],
  ['completion/complete', { ref: 'x', argument: { name: 'arg1', value: 'p' } }, /ref/],
  ['completion/complete', { ref: { type: 'x' }, argument: { name: 'arg1', value: 'p' } }, /ref/],
  ['completion/complete', { ref: prompt }, /argument/],
  ['completion/complete', { ref: prompt, argument: { name: 'arg1', value: 5 } }, /argument/],
]

export function describeWrongParams(name: string, create: CreateAdapter): void {
  describe(`the adapter ${name} is sent wrong parameters`, () => {
    test.each(wrong)('%s %j', async (method, params, field) => {
      const { port } = setUp(create)
      const client = await connectLegacy(port, '2025-11-25')
      for (const { error } of [await requestModern(port, method, params), await client.ask(method, params)]) {
        expect(error).toMatchObject({ code: -32_602, message: expect.stringMatching(field) })
        // Neither JSON nor words of a validator.
        expect(error!.message).not.toMatch(/[[{]|invalid input|expected/i)
      }
    })
  })
}
