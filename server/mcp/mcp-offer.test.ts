/** What is offered over MCP, whichever adapter carries it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createLogger } from '../platform/logger.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { defineTool } from '../tools/tool.ts'
import { type AnswerSize, Toolbox } from '../tools/toolbox.ts'
import { createMcpOffer } from './mcp-offer.ts'
import type { McpCallContext } from './mcp-port.ts'

const say = defineTool({
  name: 'say',
  title: 'Say',
  description: 'Says it.',
  scope: 'mail:meta',
  effect: 'read',
  input: z.strictObject({ word: z.string() }),
  output: z.object({ said: z.array(z.string()) }),
  run: ({ input: { word } }) => ({ said: [word] }),
})
const send = defineTool({ ...say, name: 'shout', scope: 'mail:send', effect: 'send', accountOf: undefined })

function setUp(scope: 'mail:meta' | 'mail:send' = 'mail:send') {
  const noted: string[] = []
  const sizes: (AnswerSize | undefined)[] = []
  const toolbox = new Toolbox({
    tools: [say, send],
    limits: { checkPrincipal: () => ({}) },
    trail: {
      isFull: false,
      record: async ({ operation, refs }) => void noted.push([operation, ...Object.values(refs)].join()),
    },
    observe: (_outcome, _result, size) => void sizes.push(size),
    logger: createLogger('silent'),
  })
  const principal: Principal = {
    id: 'p',
    name: 'P',
    kind: 'token',
    userId: null,
    scopes: scopeSet([scope]),
    accounts: 'all',
  }
  const asking = (said: Partial<McpCallContext> = {}): McpCallContext => ({
    caller: { principal, address: '192.0.2.1', userAgent: 'Agent/1' },
    requestId: 'r-1',
    signal: new AbortController().signal,
    revision: '2026-07-28',
    peer: undefined,
    capabilities: {},
    progress: () => undefined,
    ...said,
  })
  return {
    offer: createMcpOffer({ toolbox, accounts: { list: async () => [] }, version: '1.2.3' }),
    asking,
    noted,
    sizes,
  }
}

test('a caller is offered the tools of its scopes, in the form that it asked for', async () => {
  const { offer, asking, sizes } = setUp('mail:meta')
  const { tools } = await offer.catalogue(asking())
  expect(tools).toEqual([
    expect.objectContaining({ name: 'say', annotations: { readOnlyHint: true, openWorldHint: false } }),
  ])
  expect(tools[0]?.outputSchema).toBeDefined()
  for (const said of [{ revision: '2025-03-26' as const }, { headers: new Headers({ 'RustyMail-Results': 'text' }) }]) {
    expect((await offer.catalogue(asking(said))).tools[0]?.outputSchema).toBeUndefined()
    expect(await offer.call('say', { word: 'hi' }, asking(said))).toEqual({
      content: [{ type: 'text', text: '{"said":["hi"]}' }],
    })
  }
  expect(await offer.call('say', { word: 'hi' }, asking())).toMatchObject({ structuredContent: { said: ['hi'] } })
  // The size sent, which doubles if it is sent in both forms.
  expect(sizes.map(size => size?.bytes)).toEqual([15, 15, 30])
  expect(sizes.map(size => size?.tokens)).toEqual([4, 4, 8])
})

test('what goes wrong inside is a result, and an unknown tool an error that the trail has', async () => {
  const { offer, asking, noted } = setUp('mail:meta')
  expect(await offer.call('shout', { word: 'hi' }, asking())).toMatchObject({ isError: true })
  expect(await offer.call('say', {}, asking())).toMatchObject({ isError: true })
  await expect(offer.call('burn', {}, asking())).rejects.toMatchObject({
    code: -32_602,
    message: 'There is no tool burn.',
  })
  const by = 'unknown client'
  expect(noted).toEqual([`tool.shout,${by}`, `tool.say,${by}`, `tool.unknown,${by},burn`])
})

test('a prompt is in the trail with its name and the program that asked, also where it is refused', async () => {
  const { offer, asking, noted } = setUp('mail:meta')
  const peer = { name: 'agent-q', version: '9' }
  const names = (await offer.catalogue(asking())).prompts.map(({ name }) => name)
  expect(names).toEqual([])
  await expect(offer.getPrompt('triage', {}, asking({ peer }))).rejects.toThrow('There is no prompt')
  expect(noted).toEqual(['prompt.get,agent-q 9,triage'])
})
