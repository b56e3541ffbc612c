/** Tools as MCP and the assistant call them: what goes wrong inside is answered, noted, and tells no more than it should. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { secret } from '../../contract/wire.ts'
import type { Stops } from '../platform/guard.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { defineAccountTool, defineTool, type Tool } from './tool.ts'
import { Toolbox } from './toolbox.ts'

const everybody: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const unnamed = { client: 'unknown client' }
const input = z.strictObject({ word: z.string().max(5).default('hi') })
const output = z.object({ said: z.string() })
const said = defineTool({
  name: 'say',
  title: 'Say',
  description: 'Says it.',
  scope: 'mail:meta',
  effect: 'read',
  input,
  output,
  run: ({ input: { word } }) => ({ said: word, secret: 'not declared' }),
})

function setUp(
  tools: Tool[],
  { isFull = false, principal = everybody, stops }: { isFull?: boolean; principal?: Principal; stops?: Stops } = {},
) {
  const lines: string[] = []
  const noted: RequestOutcome[] = []
  const kept: (() => void)[] = []
  const { signal, abort } = (() => {
    const ending = new AbortController()
    return { signal: ending.signal, abort: (reason?: unknown) => ending.abort(reason) }
  })()
  const toolbox = new Toolbox({
    tools,
    limits: { checkPrincipal: () => ({}) },
    trail: {
      isFull,
      record: outcome => {
        noted.push(outcome)
        return new Promise(resolve => kept.push(resolve))
      },
    },
    ...(stops && { stops }),
    observe: () => undefined,
    logger: createLogger('error', { write: line => void lines.push(line) }),
  })
  const caller = { principal, address: '192.0.2.1', userAgent: 'Agent/1' }
  const asking = { caller, requestId: 'r-1', signal }
  const call = (name: string, given?: unknown) => toolbox.call(name, given, asking)
  return { toolbox, asking, call, lines, noted, kept, abort }
}

test('a call answers what its tool declares and no more, and is recorded with caller, operation and outcome', async () => {
  const { call, noted } = setUp([said])
  expect(await call('say', { word: 'yes' })).toEqual({ isError: false, output: { said: 'yes' } })
  expect(await call('say')).toEqual({ isError: false, output: { said: 'hi' } })
  expect(noted[0]).toMatchObject({
    operation: 'tool.say',
    effect: 'read',
    status: 200,
    code: 'ok',
    requestId: 'r-1',
    isCounted: false,
    input: { query: undefined, body: { word: 'yes' } },
    caller: { principal: { id: 'p' } },
  })
})

test('the trail names the program behind a call, in one line, bounded, and beside what was done', async () => {
  const { toolbox, asking, noted } = setUp([said])
  await toolbox.call('say', {}, { ...asking, peer: { name: `tidy\r\n\u202eagent ${'x'.repeat(500)}`, version: '3\0' } })
  expect(noted[0]!.refs.client).toBe(`tidy agent ${'x'.repeat(87)} 3`)
  await toolbox.call('say', {}, asking)
  expect(noted[1]!.refs).toEqual(unnamed)
  await toolbox.call('say', {}, { ...asking, resource: 'mail://a' })
  expect(noted[2]!.refs).toEqual({ ...unnamed, resource: 'mail://a' })
})

test('a tool that has to ask a human says where; called again for it, it knows for what; another refuses', async () => {
  const waiting: (string | undefined)[] = []
  const asks = defineTool({
    ...said,
    input,
    output,
    accountOf: undefined,
    asks: ({ said: word }) =>
      word === 'ask' ? { id: 's1', url: 'https://mail.example/a', message: 'Look.' } : undefined,
    run: call => {
      waiting.push(call.waiting)
      return { said: call.input.word }
    },
  })
  const { toolbox, asking } = setUp([asks])
  expect(await toolbox.call('say', { word: 'ask' }, asking)).toMatchObject({ ask: { id: 's1', message: 'Look.' } })
  expect(await toolbox.call('say', { word: 'no' }, { ...asking, waiting: 's1' })).not.toHaveProperty('ask')
  expect(waiting).toEqual([undefined, 's1'])
  const other = setUp([said])
  const refused = await other.toolbox.call('say', {}, { ...other.asking, waiting: 's1' })
  expect(refused).toMatchObject({ isError: true, problem: { code: 'bad_request' } })
})

test('of a secret in a call, and of input that was not checked, the trail hears nothing', async () => {
  const locked = defineTool({
    ...said,
    input: z.strictObject({ word: z.string(), password: secret(z.string()) }),
    output,
    accountOf: undefined,
    run: ({ input: { word } }) => ({ said: word }),
  })
  const { call, noted } = setUp([locked])
  await call('say', { word: 'yes', password: 'canary' })
  await call('say', { word: 'yes', pasword: 'canary' })
  expect(noted.map(({ input: heard }) => heard)).toEqual([{ query: undefined, body: { word: 'yes' } }, undefined])
})

test('wrong input is named with its place, and an unknown key is wrong', async () => {
  const { call } = setUp([said])
  for (const [given, words] of [
    [{ word: 'too long' }, /^word: /],
    [{ other: 1 }, /^input: .*other/],
    [7, /^input: /],
    [{ word: 'a\0b' }, /^word: must not contain NUL/],
  ] as const) {
    const problem = { code: 'bad_request', message: expect.stringMatching(words) }
    expect(await call('say', given)).toMatchObject({ isError: true, problem })
  }
})

test('a fault is answered without detail, and logged whole under the id of the request', async () => {
  const run = () => {
    throw new Error('the password is swordfish')
  }
  const wrong = () => ({ said: 7 }) as unknown as { said: string }
  for (const tool of [
    defineTool({ ...said, input, output, accountOf: undefined, run }),
    defineTool({ ...said, input, output, accountOf: undefined, run: wrong }),
  ]) {
    const { call, lines, noted } = setUp([tool])
    const result = await call('say')
    expect(result).toMatchObject({
      isError: true,
      problem: { code: 'internal', message: expect.stringContaining('r-1') },
    })
    expect(JSON.stringify(result)).not.toMatch(/swordfish|said/)
    expect(lines.join()).toMatch(/"request_id":"r-1".*(swordfish|undeclared output)/)
    expect(noted).toMatchObject([{ code: 'internal', status: 500 }])
  }
})

test('an account that the principal may not see is refused before the tool runs', async () => {
  let runs = 0
  const tool = defineAccountTool({
    ...said,
    input,
    output,
    accountOf: () => 'theirs',
    run: () => {
      runs++
      return { said: '' }
    },
  })
  const { call, noted } = setUp([tool], { principal: { ...everybody, accounts: new Set(['own']) } })
  expect(await call('say')).toMatchObject({ isError: true, problem: { code: 'account_not_found' } })
  expect(noted).toMatchObject([{ refs: { account_id: 'theirs' }, code: 'account_not_found' }])
  expect(runs).toBe(0)
})

const changing = defineTool({
  ...said,
  input,
  output,
  accountOf: undefined,
  effect: 'write',
  run: () => ({ said: 'done' }),
})

test('what changes something is answered only when the trail has it, and not done while that is full', async () => {
  const { call, noted, kept } = setUp([changing])
  let isAnswered = false
  const answer = call('say').finally(() => {
    isAnswered = true
  })
  await expect.poll(() => noted.length).toBe(1)
  expect(isAnswered).toBe(false)
  kept[0]!()
  expect(await answer).toMatchObject({ isError: false })
  const full = setUp([changing], { isFull: true })
  const refused = full.call('say')
  await expect.poll(() => full.kept.length).toBe(1)
  full.kept[0]!()
  expect(await refused).toMatchObject({
    isError: true,
    problem: { code: 'overloaded', hint: 'Wait 10 s, then call again.' },
  })
})

test('what is ended answers why, at once when it reads, and when it is done when it changes something', async () => {
  const waiting = Promise.withResolvers<{ said: string }>()
  const run = () => waiting.promise
  const revoked = new Problem('unauthorized', 'It was revoked.')
  const reading = setUp([defineTool({ ...said, input, output, accountOf: undefined, run })])
  const read = reading.call('say')
  reading.abort(revoked)
  expect(await read).toMatchObject({ isError: true, problem: { code: 'unauthorized' } })
  expect(await reading.call('say')).toMatchObject({ isError: true, problem: { code: 'unauthorized' } })

  const writing = setUp([defineTool({ ...changing, input, output, accountOf: undefined, run })])
  const written = writing.call('say')
  writing.abort(revoked)
  waiting.resolve({ said: 'done' })
  await expect.poll(() => writing.noted.map(({ code }) => code)).toEqual(['ok'])
  writing.kept[0]!()
  expect(await written).toMatchObject({ isError: false })
})

test('a principal lists only the tools that it may call, and a client learns what a call can do', () => {
  const kinds = (['read', 'write', 'send', 'destroy'] as const).map(effect => ({ ...said, name: effect, effect }))
  const { toolbox } = setUp(kinds)
  const hints = toolbox
    .list(everybody)
    .map(({ name, annotations }) => [name, annotations.readOnlyHint, annotations.destructiveHint])
  expect(hints).toEqual([
    ['read', true, undefined],
    ['write', undefined, false],
    ['send', undefined, false],
    // Without the hint MCP assumes that a tool is destructive.
    ['destroy', undefined, undefined],
  ])
  expect(toolbox.list({ ...everybody, scopes: scopeSet(['dashboard:admin']) })).toEqual([])
})

test('what a tool notes while it runs is in the trail, also when it fails then; of an account that is not known, nothing', async () => {
  const tool = defineAccountTool({
    ...said,
    input,
    output,
    accountOf: (_, { word }) => {
      if (word === 'none') throw new Problem('bad_request', 'Which one?')
      return word
    },
    run: ({ note }) => {
      note({ read: 'one' })
      note({ read: 'one, two' })
      throw new Problem('message_not_found', 'The third is gone.')
    },
  })
  const { call, noted } = setUp([tool], { principal: { ...everybody, accounts: new Set(['own']) } })
  for (const word of ['own', 'other', 'none']) await call('say', { word })
  const { client } = unnamed
  expect(noted.map(({ refs }) => refs)).toEqual([
    { account_id: 'own', client, read: 'one, two' },
    { account_id: 'other', client },
    { client },
  ])
})

test('a fault that a service finds in a request is told by the name of the input, and what no character is is refused', async () => {
  const tool = defineAccountTool({
    ...said,
    input,
    output,
    accountOf: () => 'own',
    run: async () => {
      throw badInput('query.cursor', 'is not a cursor of this list')
    },
  })
  const { call } = setUp([tool])
  expect(await call('say', { word: 'x' })).toMatchObject({
    problem: { message: 'cursor: is not a cursor of this list' },
  })
  expect(await call('say', { word: 'a\ud800' })).toMatchObject({
    problem: { message: 'word: has an unpaired surrogate' },
  })
})

test('a call of a tool that is not there is noted, under a name that its caller cannot choose', () => {
  const { toolbox, asking, noted } = setUp([said])
  toolbox.refuseUnknown(`burn\n2026 admin\u202e${'x'.repeat(1000)}`, asking)
  expect(noted).toMatchObject([{ operation: 'tool.unknown', code: 'not_found', status: 404, caller: asking.caller }])
  expect(noted[0]?.refs).toEqual({ ...unnamed, tool: `burn\ufffd2026 admin\ufffd${'x'.repeat(84)}` })
})

test('what would be refused is known before anybody is asked: for its input, and for its account, unseen or stopped', async () => {
  const ofAccount = defineAccountTool({
    ...said,
    name: 'say_in',
    input: z.strictObject({ account: z.string() }),
    output,
    accountOf: (_principal, { account }) => account,
    run: ({ accountId }) => ({ said: accountId }),
  })
  const frozen = new Problem('frozen', 'A human stopped it.')
  const stops = {
    check: (_principal: Principal, _operation: unknown, accountId?: string) => {
      if (accountId === 'stopped') throw frozen
    },
    checkAll: () => undefined,
  }
  const { toolbox, asking, noted } = setUp([said, ofAccount], {
    principal: { ...everybody, accounts: new Set(['a', 'stopped']) },
    stops,
  })
  const check = async (name: string, given: unknown) => (await toolbox.check(name, given, asking))?.code
  expect(await check('say', { word: 'fine' })).toBeUndefined()
  expect(await check('say', { word: 'too long' })).toBe('bad_request')
  expect(await check('say_in', {})).toBe('bad_request')
  expect(await check('say_in', { account: 'a' })).toBeUndefined()
  expect(await check('say_in', { account: 'b' })).toBe('account_not_found')
  expect(await check('say_in', { account: 'stopped' })).toBe('frozen')
  expect(noted).toEqual([])
})
