/** The assistant over real HTTP: questions and answers, whole and as parts, and the conversations that they form. */
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { ChatbotPart } from '../../contract/answers.ts'
import type { ConversationSummary } from '../../contract/conversations.ts'
import { api } from '../../contract/index.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { Problem } from '../../server/platform/problem.ts'
import { Chat, chatbot, type Named, partsIn, startChatWorld } from '../support/chat-world.ts'
import { openStream } from '../support/open-stream.ts'
import type { Proof } from '../support/people.ts'
import { lastResult, type Script, scriptedModel, stepOf, toolCall, usualLimits } from '../support/scripted-choice.ts'
import { administrator } from '../support/signed-in.ts'

let world: Awaited<ReturnType<typeof startChatWorld>>
let chat: Chat
const lines: { msg: string; answer?: string }[] = []

beforeAll(async () => {
  const logger = createLogger('info', { write: line => void lines.push(JSON.parse(line)) })
  world = await startChatWorld({ overrides: { logger } })
  chat = world.chat
  await world.connect('ann')
  return world.stop
})
beforeEach(() => {
  Object.assign(world.choice, { all: [scriptedModel('one')], bounds: usualLimits, price: null })
  world.choice.requests.length = 0
})

const says = (script: Script) => {
  world.choice.script = script
}
const forever = new Promise(() => undefined)
const typesOf = (parts: readonly ChatbotPart[]) => parts.map(({ type }) => type)

test('the body of the plan is answered, and the conversation goes on from there', async () => {
  says(() => ['A ', 'protocol.'])
  const first = await chat.ask('What is IMAP?')
  expect(first).toMatchObject({ response: 'A protocol.', provider: 'one', model: 'one-1', tool_calls: [] })
  await chat.ask('And SMTP?', { conversation_id: first.conversation_id })
  const { messages } = world.choice.requests.at(-1)!.asked
  expect(messages.slice(1)).toMatchObject([
    { role: 'user', content: 'What is IMAP?' },
    { role: 'assistant', content: 'A protocol.' },
    { role: 'user', content: 'And SMTP?' },
  ])
  const found = await chat.get(first.conversation_id)
  expect(found).toMatchObject({ title: 'What is IMAP?', answers: 2, state: 'idle' })
  expect(found.items.map(({ state }) => state)).toEqual(['done', 'done'])
  expect(found.tokens).toBeGreaterThan(0)
})

test('parts are numbered densely, and any of them is a beginning for a reader that comes back', async () => {
  says(function* (asked) {
    if (stepOf(asked) === 0) yield toolCall('stats', {})
    else yield `It is ${lastResult(asked).includes('/min, ') ? 'up' : 'unknown'}.`
  })
  const parts = await chat.stream('How is the server?')
  expect(typesOf(parts)).toEqual([
    'start',
    'model',
    'usage',
    'tool_call',
    'tool_result',
    'text_delta',
    'usage',
    'finish',
  ])
  expect(parts.map(({ seq }) => seq)).toEqual(parts.map((_part, index) => index + 1))
  const finish = parts.at(-1) as Extract<ChatbotPart, { type: 'finish' }>
  expect(finish).toMatchObject({ state: 'done', result: { response: 'It is up.' } })
  const { result } = finish
  expect(result.tool_calls).toMatchObject([
    { name: 'stats', outcome: 'ok', citations: [{ kind: 'chart', href: '/analytics?range=1h' }] },
  ])
  for (const after of [0, 3, 7]) expect(await chat.follow(result, after)).toEqual(parts.slice(after))
  expect(await chat.follow(result, 1, { 'last-event-id': '5' })).toEqual(parts.slice(5))
  const { items } = await world.people.tell<{ items: { refs: object }[] }>(
    world.people.admin,
    'GET',
    '/api/dashboard/audit?operation=tool.stats',
  )
  expect(items).toMatchObject(items.length === 0 ? [] : [{ refs: { assistant_answer: result.answer_id } }])
})

test('an answer goes on when its client leaves, and a second tab sees it grow', async () => {
  const [gate, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  says(() => ['one', gate.promise, ' two', end.promise, ' three'])
  const { response, leave } = await chat.open('Count.')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('text_delta')) text += (await reader.read()).value
  const named = JSON.parse(/data: (.*"start".*)/.exec(text)![1]!)
  leave()
  await reader.cancel().catch(() => undefined)
  const tab = chat.follow(named)
  gate.resolve()
  await expect
    .poll(async () => (await chat.get(named.conversation_id)).items[0]?.blocks[0])
    .toMatchObject({ text: 'one two' })
  expect(await chat.get(named.conversation_id)).toMatchObject({ state: 'running' })
  const busy = await world.people.ask(world.people.admin, 'POST', `${chatbot}/query`, {
    query: 'More?',
    conversation_id: named.conversation_id,
  })
  expect([busy.status, JSON.parse(busy.text).code]).toEqual([409, 'not_possible_now'])
  end.resolve()
  expect((await tab).at(-1)).toMatchObject({ type: 'finish', result: { response: 'one two three' } })
})

test('stopping keeps what was said, and the next question works', async () => {
  const { named } = await beginAnswer(world.people.admin)
  expect(await world.people.tell(world.people.admin, 'POST', chat.stopPath(named))).toMatchObject({
    state: 'stopped',
    blocks: [{ type: 'text', text: 'so far' }],
  })
  says(() => ['fine'])
  expect((await chat.ask('Next?', { conversation_id: named.conversation_id })).response).toBe('fine')
})

test('a failure in the middle is told, and can be asked again of another provider', async () => {
  world.choice.all = [scriptedModel('one'), scriptedModel('two')]
  says(function* (_asked, { id }) {
    if (id === 'one') yield* ['half', new Problem('provider_failed', 'one broke.')]
    else yield 'whole'
  })
  const parts = await chat.stream('Why?')
  expect(typesOf(parts)).toEqual(['start', 'model', 'text_delta', 'usage', 'error'])
  expect(parts.at(-1)).toMatchObject({ problem: { code: 'provider_failed', detail: 'one broke.' } })
  const [start] = parts as [Extract<ChatbotPart, { type: 'start' }>]
  const before = await chat.get(start.conversation_id)
  expect(before.items).toMatchObject([
    { state: 'failed', blocks: [{ text: 'half' }], problem: { code: 'provider_failed' } },
  ])
  const retry = { conversation_id: start.conversation_id, retry_of: start.answer_id, provider: 'two' }
  expect(await chat.ask('Why?', retry)).toMatchObject({ response: 'whole', provider: 'two' })
  expect((await chat.get(start.conversation_id)).items).toHaveLength(1)
})

test('a provider that is missing or turned off is reported for its field: nothing is begun, no other is queried, and what was there stays', async () => {
  const { people, choice } = world
  choice.all = [scriptedModel('one'), scriptedModel('two')]
  choice.off.set('three', 'Company model')
  says(() => ['hm'])
  const first = await chat.ask('Who?', { provider: 'two' })
  expect(first.provider).toBe('two')
  const { conversation_id, answer_id: retry_of } = first
  const before = await chat.get(conversation_id)
  choice.requests.length = 0
  for (const [provider, words] of [
    ['no-such', /There is no provider no-such/],
    ['three', /Company model is turned off: an administrator/],
  ] as const) {
    for (const more of [{}, { conversation_id }, { conversation_id, retry_of }]) {
      const body = { query: 'Who?', provider, ...more }
      const { status, text } = await people.ask(people.admin, 'POST', `${chatbot}/query`, body)
      expect([status, JSON.parse(text)]).toMatchObject([
        400,
        { code: 'bad_request', detail: expect.stringMatching(words), errors: [{ path: 'body.provider' }] },
      ])
    }
  }
  expect([choice.requests, await chat.get(conversation_id)]).toEqual([[], before])
  choice.off.clear()
})

test('which providers answered, and which did not and why, is in the answer and in the log, which contains no word of either', async () => {
  world.choice.all = [scriptedModel('one'), scriptedModel('two')]
  says((_asked, { id }) => [id === 'one' ? new Problem('provider_timeout', 'one sleeps.') : 'here-it-is'])
  const { attempts, provider, answer_id: answer } = await chat.ask('Who-is-it?')
  await expect
    .poll(() => lines.filter(each => each.answer === answer))
    .toMatchObject([
      { msg: 'an answer ended', state: 'done', provider: 'two', model: 'two-1', not_by: ['one: provider_timeout'] },
    ])
  expect(JSON.stringify(lines)).not.toMatch(/Who-is-it|here-it-is/)
  expect([provider, attempts]).toMatchObject([
    'two',
    [{ provider: 'one', code: 'provider_timeout', detail: 'one sleeps.' }],
  ])
})

test.each<[string, Script, RegExp]>([
  ['the same call forever', () => [toolCall('stats', {})], /kept repeating/],
  ['calls that do not parse', () => [toolCall('stats', undefined)], /only calls that are not possible/],
  [
    'calls that do not fit',
    () => [toolCall('alerts', { nothing: 1 }), toolCall('no_such_tool', {})],
    /used its 8 rounds|not possible|kept repeating/,
  ],
])('%s end the answer in words', async (_what, script, words) => {
  says(script)
  const { response, conversation_id: id } = await chat.ask('Go.')
  expect(response).toMatch(words)
  says(() => ['fine'])
  expect((await chat.ask('Next?', { conversation_id: id })).response).toBe('fine')
})

test('10 MB of text, and silence, have a clear end', async () => {
  says(function* () {
    for (let count = 0; count < 100; count++) yield 'x'.repeat(100_000)
  })
  expect(typesOf(await chat.stream('Much?')).at(-1)).toBe('error')
  world.choice.bounds = { ...usualLimits, max_seconds: 0.2 }
  says(() => ['a', forever])
  expect((await chat.stream('Slow?')).at(-1)).toMatchObject({ problem: { code: 'provider_timeout' } })
})

test('each limit is answered in words', async () => {
  says(() => ['some words'])
  const first = await chat.ask('One?')
  world.choice.bounds = { ...usualLimits, conversation_tokens: 1 }
  const more = { conversation_id: first.conversation_id }
  expect((await chat.ask('Two?', more)).response).toMatch(/conversation has used its 1 tokens/)
  world.choice.bounds = { ...usualLimits, principal_tokens_per_day: 1 }
  expect((await chat.ask('Three?')).response).toMatch(/used your 1 tokens of today/)
  world.choice.bounds = { ...usualLimits, max_steps: 1 }
  says(() => [toolCall('stats', {})])
  expect((await chat.ask('A step?')).response).toMatch(/has used its 1 rounds of tools/)
  world.choice.bounds = { ...usualLimits, conversation_cost_usd: 0.01 }
  world.choice.price = 1
  says(asked => [stepOf(asked) === 0 ? toolCall('stats', {}) : 'never'])
  expect((await chat.ask('Four?')).response).toMatch(/has cost the 0.01 US dollars/)
  const { cost_usd: cost } = await chat.get((await chat.ask('Five?')).conversation_id)
  expect(cost).toBeGreaterThan(0.01)
  world.choice.bounds = { ...usualLimits, principal_cost_usd_per_day: 0.01 }
  expect((await chat.ask('Six?')).response).toMatch(/used your 0.01 US dollars of today/)
})

test('conversations are listed, searched, renamed, exported and deleted by their owner alone', async () => {
  says(() => ['Zebras have `stripes`.'])
  const { conversation_id: id } = await chat.ask('What about 100%_zebras?')
  const { admin } = world.people
  const list = async (q: string, proof = admin) =>
    (
      await world.people.tell<{ items: ConversationSummary[] }>(
        proof,
        'GET',
        `${chatbot}/conversations?q=${encodeURIComponent(q)}`,
      )
    ).items
  expect((await list('STRIPES zebras')).map(each => each.id)).toEqual([id])
  expect((await list('100%_')).map(each => each.id)).toEqual([id])
  expect(await list('0%zebra')).toEqual([])
  const other = await world.people.invite('operator')
  expect(await list('zebras', other.proof)).toEqual([])
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['DELETE', ''],
    ['GET', '/export'],
  ] as const) {
    const body = method === 'PATCH' ? { title: 'mine' } : undefined
    expect((await world.people.ask(other.proof, method, `${chatbot}/conversations/${id}${path}`, body)).status).toBe(
      404,
    )
  }
  await world.people.tell(admin, 'PATCH', `${chatbot}/conversations/${id}`, { title: 'Animals' })
  const { file_name: name, markdown } = await world.people.tell<{ file_name: string; markdown: string }>(
    admin,
    'GET',
    `${chatbot}/conversations/${id}/export`,
  )
  expect([name, markdown]).toEqual([
    'animals.md',
    expect.stringMatching(/# Animals[\s\S]*> What about[\s\S]*Zebras have `stripes`/),
  ])
  await world.people.tell(admin, 'DELETE', `${chatbot}/conversations/${id}`)
  expect((await world.people.ask(admin, 'GET', `${chatbot}/conversations/${id}`)).status).toBe(404)
})

test('other tabs of the same person are notified of it, and no others', async () => {
  const other = await world.people.invite('administrator')
  const path = `${world.people.url}/api/dashboard/events?types=conversation_changed,configuration_updated`
  const [own, theirs] = await Promise.all([openStream(path, world.people.admin), openStream(path, other.proof)])
  await Promise.all([own.next('welcome'), theirs.next('welcome')])
  // States that come together are merged.
  const heard = Promise.withResolvers<void>()
  says(() => [heard.promise, 'yes'])
  const asking = chat.ask('Heard?')
  const { data } = await own.next('conversation_changed')
  heard.resolve()
  const { conversation_id: id } = await asking
  expect(data).toMatchObject({ conversation_id: id, state: 'running' })
  await world.people.tell(other.proof, 'PUT', '/api/dashboard/audit/settings', {
    ...{ reads: 'mail', keep_days: 100, keep_entries: 100_000 },
  })
  const theirOwn = await new Chat(world.people).ask('Mine?', {}, other.proof)
  expect((await theirs.next('conversation_changed')).data).toMatchObject({ conversation_id: theirOwn.conversation_id })
  own.close()
  theirs.close()
})

/** Starts an answer that runs until it is stopped; returns its ids, and all that its caller is sent. */
async function beginAnswer(proof: Proof) {
  says(() => ['so far', forever])
  const { response } = await chat.open('Long?', {}, proof)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('text_delta')) text += (await reader.read()).value
  const named = JSON.parse(/data: (.*"start".*)/.exec(text)![1]!) as Named
  const whole = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value
    return partsIn(text)
  }
  return { named, whole }
}

/** Resolves once reading has begun. */
async function beginReading(named: Named, proof: Proof) {
  const response = await fetch(chat.partsAt(named), { headers: proof })
  expect(response.status).toBe(200)
  return { parts: response.text().then(partsIn) }
}

test.each<[string, object, string]>([
  ['has expired', {}, 'unauthorized'],
  ['may not ask any more', { scopes: ['dashboard:read'] }, 'forbidden'],
])('the answer of a token that %s ends, and so does a stream that reads it', async (_how, change, code) => {
  const { id, proof } = await world.people.token(['dashboard:operate'])
  const { named, whole } = await beginAnswer(proof)
  const reading = await beginReading(named, proof)
  const ends = code === 'unauthorized' ? { expires_at: new Date(Date.now() + 300).toISOString() } : change
  await world.people.tell(world.people.admin, 'PATCH', `/api/dashboard/tokens/${id}`, ends)
  expect((await whole()).at(-1)).toMatchObject({ type: 'error', problem: { code } })
  expect(typesOf(await reading.parts).slice(0, 3)).toEqual(['start', 'model', 'text_delta'])
})

test('a stream that reads an answer ends with its own session, and the answer goes on', async () => {
  const { email, proof } = await world.people.invite('operator')
  const { headers } = await world.people.ask({}, 'POST', api.access.openSession.path, {
    ...{ email, password: administrator.password },
  })
  const other = { ...proof, cookie: headers.getSetCookie()[0]!.split(';')[0]! }
  const { named, whole } = await beginAnswer(proof)
  const reading = await beginReading(named, other)
  await world.people.tell(other, 'DELETE', api.access.closeSession.path)
  expect(typesOf(await reading.parts)).toEqual(['start', 'model', 'text_delta'])
  expect(await chat.get(named.conversation_id, proof)).toMatchObject({ state: 'running' })
  await world.people.tell(proof, 'POST', chat.stopPath(named))
  expect((await whole()).at(-1)).toMatchObject({ type: 'finish', state: 'stopped' })
})

test('nothing is begun where no model is configured', async () => {
  world.choice.all = []
  const { status, text } = await world.people.ask(world.people.admin, 'POST', `${chatbot}/query`, { query: 'Hm?' })
  expect([status, JSON.parse(text).code]).toEqual([503, 'no_model_configured'])
})
