/** Questions about the server are answered from its own figures and its trail, in few calls and few tokens, with where it can be seen. */
import { beforeAll, expect, test } from 'vitest'
import type { ChatbotResponse } from '../../contract/answers.ts'
import { tokensIn } from '../../server/assistant/told-model.ts'
import { startChatWorld } from '../support/chat-world.ts'
import { lastResult, type Script, stepOf, toolCall } from '../support/scripted-choice.ts'
import { untilIndexed } from '../support/until-indexed.ts'

let world: Awaited<ReturnType<typeof startChatWorld>>
let account: string
/** All 10,000 of the goal where figures are wanted. */
const messages = process.env.RUSTYMAIL_TEST_FIGURES ? 10_000 : 300
const since = new Date(Date.now() - 6 * 3_600_000).toISOString()

beforeAll(async () => {
  world = await startChatWorld()
  const { gateway, people } = world
  for (let count = 0; count < messages; count++) {
    const from = [{ name: `Sender ${count % 40}`, email: `sender${count % 40}@example.org` }]
    gateway.deliver({ subject: `Report ${count} of the week`, text: `Figures of ${count}: all fine.`, from })
  }
  account = await world.connect('gmail')
  await untilIndexed(people, account, messages)
  return world.stop
})

/** Of all that its model was sent. */
async function ask(query: string, script: Script): Promise<{ answer: ChatbotResponse; sent: number; largest: number }> {
  world.choice.requests.length = 0
  world.choice.script = script
  const answer = await world.chat.ask(query)
  const sizes = world.choice.requests.map(({ asked }) => tokensIn(asked.messages) + tokensIn(asked.tools ?? []))
  return { answer, sent: sizes.reduce((sum, size) => sum + size, 0), largest: Math.max(...sizes) }
}

test('why is Gmail slow since noon?', async () => {
  const { people, gateway } = world
  gateway.delay = step => (step === 'fetch' ? new Promise(resolve => setTimeout(resolve, 20)) : undefined)
  const list = `/api/v1/accounts/${account}/messages?folder=INBOX&limit=5`
  const { items } = await people.tell<{ items: { ref: string }[] }>(people.admin, 'GET', list)
  for (const { ref } of items) await people.tell(people.admin, 'GET', `/api/v1/accounts/${account}/messages/${ref}`)
  gateway.delay = () => undefined
  // With the next sample.
  const recorded = `/api/dashboard/metrics/history?${new URLSearchParams({ series: 'imap_command_time', from: since })}`
  await expect
    .poll(async () => (await people.tell<{ groups: unknown[] }>(people.admin, 'GET', recorded)).groups.length)
    .toBeGreaterThan(0)
  const { answer, sent } = await ask('Why is Gmail slow since noon?', asked =>
    stepOf(asked) === 0
      ? [
          toolCall('explain_account', { account: 'gmail', since }, 'a'),
          toolCall('metrics_history', { series: 'imap_command_time', from: since }, 'b'),
        ]
      : [lastResult(asked)],
  )
  const [explained, history] = answer.tool_calls
  expect(answer.tool_calls.length).toBeLessThanOrEqual(4)
  expect(sent).toBeLessThanOrEqual(8_000)
  expect(explained?.result).toMatch(/gmail@example\.org at mail\.example\.org: ready since/)
  expect(explained?.result).toMatch(/Work on IMAP connections since .*: [1-9]\d* times, p50 .* ms, p95 .* ms/)
  expect(explained?.result).toMatch(/As long before: none/)
  expect(explained?.citations.map(({ href }) => href)).toEqual([
    `/accounts/${account}`,
    expect.stringMatching(/^\/analytics\?from=.*&to=.*&chart=imap-time/),
    expect.stringMatching(/^\/analytics\?from=.*&chart=imap-failures/),
    `/accounts/${account}/diagnose`,
  ])
  expect(history?.result).toMatch(/^imap_command_time \(ms, latency\)/)
})

test('what did that token do last night?', async () => {
  const { people } = world
  const token = await people.token(['mail:read'], [account])
  for (let count = 0; count < 30; count++) {
    await people.ask(token.proof, 'GET', `/api/v1/accounts/${account}/messages?folder=INBOX&limit=1`)
    await people.ask(token.proof, 'GET', '/api/dashboard/users')
  }
  const { answer, sent } = await ask('What did that token do last night?', asked =>
    stepOf(asked) === 0 ? [toolCall('audit', { principal: `token-${token.id}`, from: since })] : [lastResult(asked)],
  )
  expect(sent).toBeLessThanOrEqual(8_000)
  expect(answer.response).toMatch(/30 × .*users\.listUsers forbidden|[12]\d × .*users\.listUsers forbidden/)
  expect(answer.response).toMatch(/mail\.listMessages ok/)
  expect(answer.tool_calls[0]?.citations[0]?.href).toBe(
    `/audit?${new URLSearchParams({ principal: `token-${token.id}`, from: since })}`,
  )
})

test('who wrote of the report 77?', async () => {
  const { answer, sent, largest } = await ask('Who wrote of the report 77?', asked => {
    if (stepOf(asked) === 0) return [toolCall('mail_search', { q: 'subject:report 77', limit: 10 })]
    return [`Found: ${lastResult(asked).split('\n')[0]}`]
  })
  expect(answer.response).toMatch(/Found: [1-9]/)
  expect([sent <= 8_000, largest <= 8_000]).toEqual([true, true])
  expect(answer.tool_calls.length).toBeLessThanOrEqual(4)
  if (process.env.RUSTYMAIL_TEST_FIGURES) console.log({ messages, calls: answer.tool_calls.length, sent, largest })
  expect(answer.tool_calls[0]?.citations[0]).toMatchObject({
    kind: 'message',
    href: expect.stringMatching(/^\/mail\?account=/),
  })
})

test('figures, accounts, alerts, clients and links are told in few words, each with where it is seen', async () => {
  const calls = [
    ['stats', {}],
    ['accounts', { q: 'gmail' }],
    ['alerts', {}],
    ['clients', {}],
    ['links', { page: 'analytics', from: since }],
    ['metrics_history', { series: 'requests', from: since }],
    ['metrics_history', { series: 'no_such', from: since }],
  ] as const
  const { answer } = await ask('All of it.', asked =>
    stepOf(asked) === 0 ? calls.map(([name, input], place) => toolCall(name, input, `x${place}`)) : ['ok'],
  )
  expect(answer.tool_calls.map(({ outcome }) => outcome)).toEqual([...Array(6).fill('ok'), 'refused'])
  for (const { result } of answer.tool_calls) expect(tokensIn(result ?? '')).toBeLessThan(400)
  expect(answer.tool_calls[4]?.result).toBe(`/analytics?${new URLSearchParams({ from: since })}`)
})

test('what a person may not see, the assistant does not tell them', async () => {
  const { people, choice } = world
  const operator = await people.invite('operator', [])
  choice.script = asked =>
    stepOf(asked) === 0
      ? [
          toolCall('audit', { from: since }, 'a'),
          toolCall('explain_account', { account: 'gmail', since }, 'b'),
          toolCall('accounts', {}, 'c'),
          toolCall('mail_search', { q: 'report', account }, 'd'),
        ]
      : ['no']
  const answer = await world.chat.ask('Tell me all.', {}, operator.proof)
  expect(answer.tool_calls.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'ok', 'refused'])
  expect(answer.tool_calls[2]?.result).toBe('0 accounts.')
})
