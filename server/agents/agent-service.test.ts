/** Agents and their calls: which callers see which, and that none of it grows without bound. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { State } from '../../contract/event.ts'
import type { SummedFor } from '../events/state-frame.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { type Caller, type Principal, scopeSet } from '../platform/principal.ts'
import { AgentService, type BegunExchange, type OperationFigures } from './agent-service.ts'

const watcher = (accounts: Principal['accounts'], scopes = ['dashboard:read', 'mail:meta'] as const): Principal => ({
  id: 'session-w',
  name: 'Watcher',
  kind: 'session',
  userId: 'u',
  scopes: scopeSet(scopes),
  accounts,
})
const all = watcher('all')

const token = (id: string, accounts: Principal['accounts'], more: Partial<Principal> = {}): Caller => ({
  principal: {
    id: `token-${id}`,
    name: id.toUpperCase(),
    kind: 'token',
    userId: 'u',
    scopes: scopeSet(['mail:read']),
    accounts,
    ...more,
  },
  address: '192.0.2.7',
  userAgent: 'node',
})

const mail = { from: [{ name: 'Cy', email: 'cy@example.org' }], subject: 'lunch' }
/** Senders in the form that searches return. */
const hit = { from: 'cy@example.org (Cy)', subject: 'lunch' }

function setUp() {
  let now = Date.parse('2026-11-29T10:00:00.000Z')
  const told: { state: State; summedFor: SummedFor | undefined }[] = []
  const recorded: OperationFigures[] = []
  const agents = new AgentService({
    hub: { publishLastState: (state, summedFor) => void told.push({ state, summedFor }) },
    clientIdOf: () => 'c1',
    metrics: { record: figures => void recorded.push(figures) },
    now: () => now,
  })
  onTestFinished(() => agents.stop())
  let requests = 0
  const open = (caller: Caller, more: Partial<BegunExchange> = {}) =>
    agents.opened({
      caller,
      requestId: `r-${++requests}`,
      kind: 'call',
      transport: 'http',
      method: 'tools/call',
      revision: '2026-07-28',
      peer: { name: 'inbox-zero', version: '2.1' },
      ...more,
    })
  const call = (caller: Caller, tool: string, more: Partial<RequestOutcome> = {}, output: object = {}) => {
    const exchange = open(caller)
    const outcome = { operation: `tool.${tool}`, status: 200, code: 'ok', durationMs: 12.34, refs: {}, ...more }
    const isError = outcome.status >= 400
    const answer = isError ? ({ isError, problem: { code: outcome.code } } as const) : ({ isError, output } as const)
    const size = { bytes: 400, tokens: 100 }
    agents.record({ caller, requestId: `r-${requests}`, ...outcome } as RequestOutcome, answer, size)
    exchange.closed()
  }
  const advance = (ms: number) => {
    now += ms
  }
  return { agents, told, recorded, open, call, advance }
}

test('a call that changes says how many messages it is about, also where they wait or are only proposed', () => {
  const { agents, call } = setUp()
  const caller = token('a', new Set(['ann']))
  call(caller, 'mail_move', {}, { ok: 0, pending: 5, proposed: 'p1' })
  call(caller, 'mail_update', {}, { ok: 2 })
  call(caller, 'mail_draft', {}, { draft: 'd1' })
  expect(agents.listCalls(all, { limit: 50 }).map(({ messages }) => messages)).toEqual([null, 2, 5])
})

test('a call says who, with which tool, on which account, about what, and how it went', () => {
  const { agents, call, recorded } = setUp()
  const caller = token('a', new Set(['ann']))
  call(caller, 'mail_read', { refs: { account_id: 'ann' } }, { messages: [mail, mail] })
  call(caller, 'mail_send', { status: 403, code: 'forbidden' })
  const [sent, read] = agents.listCalls(all, { limit: 50 })
  expect(read).toMatchObject({
    principal: 'token-a',
    principal_name: 'A',
    client_name: 'inbox-zero',
    tool: 'mail_read',
    account_id: 'ann',
    outcome: 'ok',
    duration_ms: 12.3,
    messages: 2,
    sender: 'cy@example.org',
    subject: 'lunch',
  })
  expect(read).toMatchObject({ bytes: 400, tokens: 100 })
  expect(sent).toMatchObject({
    tool: 'mail_send',
    outcome: 'refused',
    code: 'forbidden',
    account_id: null,
    subject: null,
  })
  expect(agents.list(all).items).toMatchObject([
    {
      principal: 'token-a',
      client_name: 'inbox-zero',
      client_version: '2.1',
      revision: '2026-07-28',
      transport: 'http',
      client_id: 'c1',
      open_calls: 0,
      calls: 2,
      errors: 1,
      tokens: 200,
      tools: [
        { tool: 'mail_read', calls: 1, errors: 0, bytes: 400, tokens: 100 },
        { tool: 'mail_send', calls: 1, errors: 1 },
      ],
      last_call: { tool: 'mail_send' },
    },
  ])
  expect(recorded).toMatchObject([
    {
      principal: 'token-a',
      method: 'tools/call',
      tool: 'mail_read',
      outcome: 'ok',
      revision: '2026-07-28',
    },
    { method: 'tools/call', tool: 'mail_send', outcome: 'refused' },
  ])
})

test('callers are told of calls whose accounts they see, and of whole agents only when they see all of theirs', () => {
  const { agents, call } = setUp()
  const caller = token('a', new Set(['ann', 'bob']))
  call(caller, 'mail_read', { refs: { account_id: 'ann' } }, { messages: [mail] })
  call(caller, 'mail_search', {}, { hits: [hit] })
  // An account id that it made up, or may not see, is not recorded.
  call(caller, 'mail_folders', { refs: { account_id: 'eve' }, status: 404, code: 'account_not_found' })
  const toolsFor = (principal: Principal) => agents.listCalls(principal, { limit: 50 }).map(({ tool }) => tool)
  expect(toolsFor(watcher(new Set(['ann', 'bob'])))).toEqual(['mail_folders', 'mail_search', 'mail_read'])
  expect(toolsFor(watcher(new Set(['ann'])))).toEqual(['mail_read'])
  expect(toolsFor(watcher(new Set(['eve'])))).toEqual([])
  expect(agents.list(watcher(new Set(['ann']))).items).toMatchObject([
    { calls: null, errors: null, tokens: null, tools: null, last_call: null },
  ])
  const blind = watcher('all', ['dashboard:read'] as never)
  expect(agents.listCalls(blind, { limit: 50 }).map(({ sender, subject }) => [sender, subject])).toEqual([
    [null, null],
    [null, null],
    [null, null],
  ])
  expect(agents.listCalls(all, { limit: 50, outcome: 'refused' })).toHaveLength(1)
  expect(agents.listCalls(all, { limit: 50, account_id: 'ann' })).toHaveLength(1)
  expect(agents.listCalls(all, { limit: 50, principal: 'token-b' })).toEqual([])
})

test('streams are told at once, then at intervals, and those that see none of it nothing', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { agents, told, call } = setUp()
  const [a, b] = [token('a', new Set(['ann'])), token('b', new Set(['bob']))]
  call(a, 'mail_search')
  expect(told).toHaveLength(1)
  call(b, 'mail_search')
  call(a, 'mail_search')
  call(b, 'mail_search')
  expect(told).toHaveLength(1)
  vi.advanceTimersByTime(300)
  expect(told).toHaveLength(2)
  const newest = agents.listCalls(all, { limit: 50 }).map(({ id }) => id)
  expect(told[1]!.state.data).toMatchObject({ newest: newest[0] })
  expect(told[1]!.summedFor!({ accounts: new Set(['ann']) })).toMatchObject({ newest: newest[1] })
  expect(told[0]!.summedFor!({ accounts: new Set(['bob']) })).toBeUndefined()
  vi.advanceTimersByTime(10_000)
  expect(told).toHaveLength(2)
})

test('a run that has a name is one agent, also in requests that do not say who they are of', () => {
  const { agents, open } = setUp()
  const begun = open(token('a', new Set(['ann'])), { method: 'initialize', revision: '2025-11-25' })
  expect(agents.list(all).items).toEqual([])
  begun.named('mcp-1')
  begun.closed()
  const caller = token('a', new Set(['ann']), { workSession: 'mcp-1' })
  const stream = open(caller, {
    kind: 'stream',
    method: 'subscriptions/listen',
    peer: undefined,
    revision: '2025-11-25',
  })
  expect(agents.list(all)).toMatchObject({
    items: [{ client_name: 'inbox-zero', session: 'mcp-1', revision: '2025-11-25', open_streams: 1 }],
    open_streams: 1,
  })
  expect([...agents.openBy()]).toEqual([['token-a', { calls: 0, streams: 1 }]])
  stream.closed()
  stream.closed()
  expect(agents.list(all).open_streams).toBe(0)
})

test('in a session over SSE or stdio the messages say who it is, and its calls are its own', () => {
  const { agents, open } = setUp()
  const caller = token('a', new Set(['ann']), { workSession: 'stdio-1' })
  const session = open(caller, {
    kind: 'stream',
    transport: 'stdio',
    method: undefined,
    peer: undefined,
    revision: undefined,
  })
  const peer = { name: 'desk', version: '3' }
  agents.met({ caller, transport: 'stdio', revision: '2025-11-25', peer })
  const outcome = { operation: 'tool.mail_search', status: 200, code: 'ok', durationMs: 1, refs: {}, caller }
  agents.record({ ...outcome, requestId: 'unknown' } as unknown as RequestOutcome, { isError: false, output: {} })
  expect(agents.list(all).items).toMatchObject([
    { client_name: 'desk', transport: 'stdio', revision: '2025-11-25', session: 'stdio-1', open_streams: 1, calls: 1 },
  ])
  session.closed()
  expect(agents.list(all).open_streams).toBe(0)
})

test('names are cut and cleaned, and inventing them pushes out neither calls nor agents of others', () => {
  const { agents, open, call } = setUp()
  call(token('b', new Set(['bob'])), 'mail_search')
  const busy = token('a', new Set(['ann']))
  for (let n = 0; n < 60; n++) open(busy, { peer: { name: `${n}\u202e ${'x'.repeat(300)}`, version: '' } }).closed()
  for (let n = 0; n < 1_500; n++) call(busy, 'mail_search')
  const { items } = agents.list(all)
  expect(items.filter(({ principal }) => principal === 'token-a')).toHaveLength(20)
  expect(items.map(({ principal }) => principal)).toContain('token-b')
  expect(items.find(({ client_name: name }) => name?.startsWith('59'))?.client_name).toMatch(/^59 x{96}…$/)
  expect(agents.listCalls(all, { limit: 100, principal: 'token-b' })).toHaveLength(1)
  expect(agents.listCalls(all, { limit: 10_000 })).toHaveLength(301)
})

test('an agent that was not seen for a day is forgotten', () => {
  const { agents, call, advance } = setUp()
  call(token('a', 'all'), 'mail_search')
  advance(25 * 3_600_000)
  expect(agents.list(all).items).toEqual([])
})

test('what an operation came to is counted as that, over HTTP when its request is over, in a session by itself', () => {
  const { agents, open, recorded } = setUp()
  const caller = token('a', new Set(['ann']))
  const read = open(caller, { method: 'resources/read' })
  agents.ended(
    { caller, requestId: 'r-1', transport: 'http', revision: '2026-07-28' },
    {
      ...{ method: 'resources/read', outcome: 'refused', durationMs: 1 },
    },
  )
  read.closed()
  open(caller, { method: 'prompts/get' }).closed()
  const session = open(caller, { kind: 'stream', transport: 'stdio', method: undefined })
  agents.ended(
    { caller, requestId: 'r-3', transport: 'stdio', revision: '2025-11-25' },
    {
      ...{ method: 'prompts/get', outcome: 'failed', durationMs: 2 },
    },
  )
  session.closed()
  expect(recorded.map(({ method, outcome, transport }) => [method, outcome, transport])).toEqual([
    ['resources/read', 'refused', 'http'],
    ['prompts/get', 'ok', 'http'],
    ['prompts/get', 'failed', 'stdio'],
  ])
})
