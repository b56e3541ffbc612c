/** What a person is shown of a message that the assistant would send: all of it that leaves, or they are not asked. */
import { beforeAll, expect, test } from 'vitest'
import { startChatWorld } from '../support/chat-world.ts'
import { lastResult, stepOf, toolCall } from '../support/scripted-choice.ts'

let world: Awaited<ReturnType<typeof startChatWorld>>
let ann: string

beforeAll(async () => {
  world = await startChatWorld()
  ann = await world.connect('ann')
  return world.stop
})

test('the user who is asked sees all recipients, where replies go, and what another program wrote', async () => {
  const { people, chat } = world
  const draft = async (proof: Parameters<typeof people.tell>[0], more: object) => {
    const body = { format: 'text', content: 'swordfish' }
    const path = `/api/v1/accounts/${ann}/drafts`
    return (await people.tell<{ id: string }>(proof, 'POST', path, { mode: 'new', subject: 'Hi', body, ...more })).id
  }
  const sending = (id: string) => [toolCall('mail_send', { draft: `${ann}.${id}`, rev: 1 })]
  const summaryOf = async (id: string) => {
    world.choice.script = () => sending(id)
    const { tool_calls: calls } = await chat.ask('Send it.')
    return calls.find(({ outcome }) => outcome === 'waiting')?.summary
  }
  const colleagues = (count: number) =>
    Array.from({ length: count }, (_, number) => `colleague-${number}@long-domain-of-a-company.example.org`)
  const others = { bcc: ['eve@evil.example'], reply_to: ['mallory@evil.example'] }
  const summary = await summaryOf(await draft(people.admin, { to: colleagues(30), ...others }))
  for (const each of [...colleagues(30), 'eve@evil.example', 'mallory@evil.example']) expect(summary).toContain(each)
  expect(summary).not.toContain('swordfish')
  const { proof: program } = await people.token(['mail:draft'], [ann])
  const written = { to: ['bea@example.org'], body: { format: 'text', content: `${'x '.repeat(3_000)}swordfish` } }
  const byProgram = await summaryOf(await draft(program, written))
  expect(byProgram).toMatch(/Not your draft, written by the program .+, with the text: x .*swordfish$/s)
  const { proof: colleague } = await people.invite('administrator')
  const byUser = await summaryOf(await draft(colleague, { to: ['bea@example.org'] }))
  expect(byUser).toMatch(/Not your draft, written by the user Person \d+, with the text: swordfish$/)
  // What does not fit is not asked about.
  const long = await draft(people.admin, { to: colleagues(500) })
  world.choice.script = asked => (stepOf(asked) === 0 ? sending(long) : [lastResult(asked)])
  expect((await chat.ask('Send it.')).response).toContain('too long to be shown')
})
