/** Questions about the server are answered from its metrics and trail, in few calls and tokens, with links. */
import { beforeAll, expect, test } from 'vitest'
import type { ChatbotResponse } from '../../contract/answers.ts'
import { tokensIn } from '../../server/assistant/model-request.ts'
import { startChatWorld } from '../support/chat-world.ts'
import { lastResult, type Script, stepOf, toolCall } from '../support/scripted-choice.ts'
import { untilIndexed } from '../support/until-indexed.ts'

let world: Awaited<ReturnType<typeof startChatWorld>>
let account: string
/** Number of messages: the goal's 10,000 only if RUSTYMAIL_TEST_FIGURES is set. */
const messages = process.env.RUSTYMAIL_TEST_FIGURES ? 10_000 : 300
const billText = `position,euros\n${Array.from({ length: 350 }, (_each, at) => `item ${at},${at}`).join('\n')}\ntotal,79800\n`
const bill = {
  ...{ id: '2', name: 'bill-77.csv', type: 'text/csv', is_inline: false, content_id: null },
}
const since = new Date(Date.now() - 6 * 3_600_000).toISOString()

beforeAll(async () => {
  world = await startChatWorld()
  const { gateway, people } = world
  for (let count = 0; count < messages; count++) {
    const from = [{ name: `Sender ${count % 40}`, email: `sender${count % 40}@example.org` }]
    const text = `Figures of ${count}: all fine. ${'Nothing else is to be said about this week. '.repeat(10)}`
    const flags = count % 3 === 0 ? [] : ['seen' as const]
    const date = new Date(Date.now() - (messages - count) * 1_000).toISOString()
    gateway.deliver({ subject: `Report ${count} of the week`, text, from, flags, date })
  }
  // A thread of six messages, each quoting the one before, and a bill.
  let quoted = ''
  for (let count = 0; count < 6; count++) {
    const id = (of: number) => `<offer-${of}@example.org>`
    const said = `Offer number ${count}: ${900 + count} euros. ${'Let us know what you think of it. '.repeat(10)}`
    gateway.deliver({
      ...{
        subject: count === 0 ? 'Offer of May' : 'Re: Offer of May',
        messageId: id(count),
        text: `${said}\n${quoted}`,
      },
      ...{ from: [{ name: 'Bea', email: 'bea@shop.example' }], flags: ['seen'] },
      ...(count > 0 && { inReplyTo: id(count - 1), references: Array.from({ length: count }, (_each, of) => id(of)) }),
    })
    quoted = `On Monday Bea wrote:\n${said.replaceAll(/^/gm, '> ')}\n${quoted.replaceAll(/^/gm, '> ')}`
  }
  gateway.deliver({
    ...{
      subject: 'Your bill',
      from: [{ name: 'Shop', email: 'bills@shop.example' }],
      text: 'As attached.',
      flags: ['seen'],
    },
    ...{ attachments: [{ ...bill, size_bytes: billText.length }], parts: { 2: Buffer.from(billText) } },
  })
  account = await world.connect('gmail')
  await untilIndexed(people, account, messages + 7)
  return world.stop
})

/** Asks, and checks the goal's token bounds on all that the model was sent, in all steps, tools included. */
async function ask(query: string, script: Script): Promise<ChatbotResponse> {
  world.choice.requests.length = 0
  world.choice.script = script
  const answer = await world.chat.ask(query)
  const sizes = world.choice.requests.map(({ asked }) => tokensIn(asked.messages) + tokensIn(asked.tools ?? []))
  const sent = sizes.reduce((sum, size) => sum + size, 0)
  const calls = answer.tool_calls.length
  if (process.env.RUSTYMAIL_TEST_FIGURES) console.log({ query, messages, calls, sent, steps: sizes })
  expect(answer.tool_calls.map(({ outcome }) => outcome)).toEqual(Array(calls).fill('ok'))
  expect(calls).toBeLessThanOrEqual(4)
  expect(sent).toBeLessThanOrEqual(8_000)
  return answer
}
const refIn = (text: string) => /^(?:ref: )?([\w-]{20})(?: |$)/m.exec(text)?.[1] ?? ''

test('why is Gmail slow since noon?', async () => {
  const { people, gateway } = world
  gateway.delay = step => (step === 'fetch' ? new Promise(resolve => setTimeout(resolve, 20)) : undefined)
  const list = `/api/v1/accounts/${account}/messages?folder=INBOX&limit=5`
  const { items } = await people.tell<{ items: { ref: string }[] }>(people.admin, 'GET', list)
  for (const { ref } of items) await people.tell(people.admin, 'GET', `/api/v1/accounts/${account}/messages/${ref}`)
  gateway.delay = () => undefined
  // The next sample has it.
  const recorded = `/api/dashboard/metrics/history?${new URLSearchParams({ series: 'imap_command_time', from: since })}`
  await expect
    .poll(async () => (await people.tell<{ groups: unknown[] }>(people.admin, 'GET', recorded)).groups.length)
    .toBeGreaterThan(0)
  const answer = await ask('Why is Gmail slow since noon?', asked =>
    stepOf(asked) === 0
      ? [
          toolCall('explain_account', { account: 'gmail', since }, 'a'),
          toolCall('metrics_history', { series: 'imap_command_time', from: since }, 'b'),
        ]
      : [lastResult(asked)],
  )
  const [explained, history] = answer.tool_calls
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
    // The trail takes 30 refusals of one person a minute, and a retry may fall into the same minute.
    if (count < 12) await people.ask(token.proof, 'GET', '/api/dashboard/users')
  }
  const answer = await ask('What did that token do last night?', asked =>
    stepOf(asked) === 0 ? [toolCall('audit', { principal: `token-${token.id}`, from: since })] : [lastResult(asked)],
  )
  expect(answer.response).toMatch(/1[0-2] × .*users\.listUsers forbidden/)
  expect(answer.response).toMatch(/mail\.listMessages ok/)
  expect(answer.tool_calls[0]?.citations[0]?.href).toBe(
    `/audit?${new URLSearchParams({ principal: `token-${token.id}`, from: since })}`,
  )
})

test('who wrote of the report 77?', async () => {
  const answer = await ask('Who wrote of the report 77?', asked => {
    if (stepOf(asked) === 0) return [toolCall('mail_search', { q: 'subject:report 77', limit: 10 })]
    return [`Found: ${lastResult(asked).split('\n')[0]}`]
  })
  expect(answer.response).toMatch(/Found: [1-9]/)
  expect(answer.tool_calls[0]?.citations[0]).toMatchObject({
    kind: 'message',
    href: expect.stringMatching(/^\/mail\?account=/),
  })
})

test('what did sender 7 write last?', async () => {
  const answer = await ask('What did sender 7 write last?', asked => {
    if (stepOf(asked) === 0) return [toolCall('mail_search', { q: 'from:sender7@example.org', limit: 1 })]
    if (stepOf(asked) === 1) return [toolCall('mail_read', { refs: [refIn(lastResult(asked))] })]
    return [lastResult(asked)]
  })
  const newest = Math.floor((messages - 8) / 40) * 40 + 7
  expect(answer.response).toContain(`Figures of ${newest}: all fine.`)
  expect(answer.tool_calls[1]?.citations[0]?.href).toMatch(/^\/mail\?account=/)
})

test('how much is unread?', async () => {
  const answer = await ask('How much is unread?', asked => {
    if (stepOf(asked) > 0) return [lastResult(asked)]
    return [
      toolCall('mail_folders', { role: 'inbox' }, 'a'),
      toolCall('mail_search', { q: 'is:unread', limit: 3 }, 'b'),
    ]
  })
  const unread = Math.ceil(messages / 3)
  expect(answer.tool_calls[0]?.result).toBe(`INBOX inbox ${unread} unread of ${messages + 7}`)
  expect(answer.response).toMatch(/^3 of \d+( or more)? found/)
})

test('how did the exchange about the offer of May go?', async () => {
  const answer = await ask('How did the exchange about the offer of May go?', asked => {
    if (stepOf(asked) === 0) {
      return [toolCall('mail_search', { q: 'subject:"offer of may"', group: 'thread', snippet: false, limit: 3 })]
    }
    if (stepOf(asked) === 1) return [toolCall('mail_read', { thread: refIn(lastResult(asked)) })]
    return [lastResult(asked)]
  })
  for (let count = 0; count < 6; count++)
    expect(answer.response).toContain(`Offer number ${count}: ${900 + count} euros`)
})

test('what is the total of the bill that was attached?', async () => {
  const answer = await ask('What is the total of the bill that was attached?', asked => {
    if (stepOf(asked) === 0) return [toolCall('mail_search', { q: 'filename:bill-77', limit: 3 })]
    if (stepOf(asked) === 1) return [toolCall('mail_attachment', { ref: refIn(lastResult(asked)) })]
    return [lastResult(asked)]
  })
  expect(answer.response).toContain('bill-77.csv')
  expect(answer.response).toContain('total,79800')
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
  world.choice.script = asked =>
    stepOf(asked) === 0 ? calls.map(([name, input], place) => toolCall(name, input, `x${place}`)) : ['ok']
  const answer = await world.chat.ask('All of it.')
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
