/** Sending: what the policy lets out, holds or refuses, counted where it is stored, once under each key. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { agent, ann, hashOfTaken, signal, startSending } from '../../test/support/send-world.ts'

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
const freely = (sending: Partial<TokenPolicy['sending']> = {}): TokenPolicy => ({
  ...defaultPolicy,
  sending: {
    ...defaultPolicy.sending,
    approval: { always: false, strangers: false, tainted_minutes: null },
    ...sending,
  },
})
const body = { format: 'text', content: 'x' } as const

test('a hundred calls at the same moment send no more than the rate allows', async () => {
  const world = await startSending()
  world.rules.policy = freely({ max_per_hour: 7, max_recipients_per_hour: 12 })
  const drafts = await Promise.all(
    Array.from({ length: 100 }, () => world.create({ to: ['a@example.org', 'b@example.org'], body })),
  )
  const answers = await Promise.all(drafts.map(draft => codeOf(world.send(draft))))
  expect(answers.filter(answer => answer === 'ok')).toHaveLength(6)
  expect(new Set(answers)).toEqual(new Set(['ok', 'policy_denied']))
  await expect.poll(() => world.senders.taken.length).toBe(6)
  expect(await world.rates.used(agent.id)).toMatchObject({ sent_hour: 6, recipients_hour: 12 })
  // A refused draft is still open.
  const refused = drafts[answers.indexOf('policy_denied')]!
  expect((await world.drafts.get(agent, 'a', refused.id)).state).toBe('open')
})

test('a call that is repeated under its key sends once; the same key for another message is refused', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const sent = await Promise.all(Array.from({ length: 5 }, () => world.send(draft, agent, { key: 'k1' })))
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1)
  await expect.poll(() => world.stateOf(sent[0]!.id)).toBe('sent')
  expect((await world.send(draft, agent, { key: 'k1' })).id).toBe(sent[0]!.id)
  const other = await world.create({ to: ['b@example.org'], body })
  expect(await codeOf(world.send(other, agent, { key: 'k1' }))).toBe('idempotency_key_reused')
  expect(world.senders.taken).toHaveLength(1)
})

test('a repeated call has the answer of the first, whatever has changed since', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const { id } = await world.send(draft, agent, { key: 'k1' })
  await expect.poll(() => world.stateOf(id)).toBe('sent')
  world.rules.policy = freely({ recipients: [] })
  await world.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })
  expect(await codeOf(world.send(draft))).toBe('frozen')
  expect((await world.send(draft, agent, { key: 'k1' })).id).toBe(id)
})

test('a user’s own message waits for the time to undo, and is neither judged nor counted', async () => {
  const world = await startSending()
  world.rules.policy = freely({ recipients: [] })
  world.rules.settings = { ...world.rules.settings, undo_seconds: 60 }
  const draft = await world.create({ to: ['a@example.org'], body }, ann)
  const sent = await world.send(draft, ann)
  expect(sent).toMatchObject({ state: 'scheduled', approval_id: null })
  expect(Date.parse(sent.send_at!) - Date.now()).toBeGreaterThan(50_000)
  await world.outbox.cancel(ann, sent.id)
  expect((await world.drafts.get(ann, 'a', draft.id)).state).toBe('open')
  expect((await world.rates.used(ann.id)).sent_hour).toBe(0)
  const denied = await world.create({ to: ['a@example.org'], body })
  await expect(world.send(denied)).rejects.toThrow('The token may not send to these recipients: a@example.org.')
})

test('only the revision that was named is sent, and only once; nothing without recipients, nothing more than a year ahead', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const changed = await world.drafts.change(agent, 'a', draft.id, { rev: 1, subject: 'Second' })
  expect(await codeOf(world.send(draft))).toBe('draft_changed')
  const sent = await world.send(changed)
  expect(await codeOf(world.send(changed))).toBe('draft_submitted')
  await expect.poll(() => world.stateOf(sent.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([sent.hash])
  expect(world.senders.taken[0]!.bytes.toString()).toContain('Subject: Second')
  expect(await codeOf(world.send(await world.create({ body })))).toBe('no_recipients')
  const other = await world.create({ to: ['a@example.org'], body })
  const at = new Date(Date.now() + 400 * 24 * 3_600_000).toISOString()
  expect(await codeOf(world.send(other, agent, { at }))).toBe('bad_request')
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  expect(await world.send(other, agent, { at: soon })).toMatchObject({ state: 'scheduled', send_at: soon })
})

test('while it is frozen nothing is taken in, and what waits does not leave until a user lifts that', async () => {
  const world = await startSending()
  world.rules.policy = freely()
  const draft = await world.create({ to: ['a@example.org'], body })
  const waiting = await world.send(draft, agent, { at: new Date(Date.now() + 3_600_000).toISOString() })
  const freeze = await world.freezes.freeze(ann, { account_id: 'a', reads: 'allow' })
  const other = await world.create({ to: ['a@example.org'], body })
  expect([await codeOf(world.send(other)), await codeOf(world.send(other, ann))]).toEqual(['frozen', 'frozen'])
  await world.db
    .updateTable('submissions')
    .set({ state: 'queued', due_at: new Date().toISOString() })
    .where('id', '=', waiting.id)
    .execute()
  world.queue.lookAgain()
  const free = await world.drafts.create(agent, 'b', { mode: 'new', to: ['b@example.org'], body }, signal)
  const passing = await world.sending.send(agent, 'b', free.id, { rev: 1 }, signal)
  await expect.poll(() => world.stateOf(passing.id)).toBe('sent')
  expect([await world.stateOf(waiting.id), world.senders.taken.length]).toEqual(['queued', 1])
  await world.freezes.lift(ann, freeze.id)
  await expect.poll(() => world.stateOf(waiting.id)).toBe('sent')
})

test('a dry run says what would happen, and why, and changes nothing', async () => {
  const world = await startSending()
  const draft = await world.create({ to: ['a@example.org'], body })
  const verdict = await world.sending.check(agent, 'a', draft.id, undefined, signal)
  expect([verdict.verdict, verdict.findings.map(({ rule }) => rule)]).toEqual([
    'hold',
    ['approval_always', 'approval_strangers'],
  ])
  world.rules.policy = freely({ max_per_hour: 0 })
  expect((await world.sending.check(agent, 'a', draft.id, 1, signal)).verdict).toBe('deny')
  expect((await world.sending.check(ann, 'a', draft.id, 1, signal)).verdict).toBe('send')
  expect((await world.sending.check(ann, 'a', draft.id, 1, signal, agent)).verdict).toBe('deny')
  expect((await world.drafts.get(agent, 'a', draft.id)).state).toBe('open')
})

test('a draft stays tainted by what was read right before it was written, however late and unread it is sent; another does not', async () => {
  const world = await startSending()
  const minute = 60_000
  world.rules.policy = freely({ approval: { always: false, strangers: false, tainted_minutes: 30 } })
  world.rules.written = new Set(['a@example.org'])
  const create = () => world.create({ to: ['a@example.org'], body })
  const early = await create()
  const edited = await create()
  world.reads.set(agent.id, world.clock.now())
  world.clock.ahead += 20 * minute
  const tainted = await create()
  const revised = await world.drafts.change(agent, 'a', edited.id, { rev: edited.rev, subject: 'As Eve says' })
  world.clock.ahead += 20 * minute
  const late = await create()
  world.clock.ahead += 24 * 60 * minute
  // A later write does not clear the taint.
  const again = await world.drafts.change(agent, 'a', tainted.id, { rev: tainted.rev, subject: 'Mine' })
  const sent = await Promise.all([early, late, again, revised].map(draft => world.send(draft)))
  expect(sent.map(({ state }) => state === 'held')).toEqual([false, false, true, true])
  const { findings } = await world.sending.check(agent, 'a', (await create()).id, undefined, signal)
  expect(findings).toEqual([])
})

test('what answers or forwards mail counts as that, and so does a read that comes while it is judged', async () => {
  const world = await startSending()
  world.rules.policy = freely({ approval: { always: false, strangers: false, tainted_minutes: 30 } })
  const answering = await world.create({ to: ['a@example.org'], body })
  // Like a reply, or a draft from before taints were recorded.
  await world.db.updateTable('drafts').set({ taint_ms: 0 }).where('id', '=', answering.id).execute()
  expect((await world.send(answering)).state).toBe('held')
  const racing = await world.create({ to: ['a@example.org'], body })
  // The policy lets it leave; then another process shows its token a stranger's mail before the message is accepted.
  const { policy } = world.rules
  world.usePolicies({
    read: async (_principal, transaction) => {
      if (transaction) world.reads.set(agent.id, world.clock.now())
      return { policy, version: '1', isUnreadable: false }
    },
  })
  expect((await world.send(racing)).state).toBe('held')
})

test('what waits does not leave once its sender may not send any more, though a human says yes', async () => {
  const world = await startSending()
  const held = await world.send(await world.create({ to: ['a@example.org'], body }))
  world.rules.policy = freely()
  const soon = new Date(Date.now() + 3_600_000).toISOString()
  const scheduled = await world.send(await world.create({ to: ['b@example.org'], body }), agent, { at: soon })
  world.rules.ended.add(agent.id)
  const approval = await world.approvalOf(held.id)
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('not_possible_now')
  expect(await world.stateOf(held.id)).toBe('held')
  const due = { state: 'queued', due_at: new Date().toISOString() } as const
  await world.db.updateTable('submissions').set(due).where('id', '=', scheduled.id).execute()
  world.queue.lookAgain()
  await expect.poll(() => world.stateOf(scheduled.id)).toBe('denied')
  expect(await world.outbox.get(ann, scheduled.id)).toMatchObject({ error: { code: 'sender_not_allowed' } })
  expect(world.senders.taken).toEqual([])
  world.rules.ended.clear()
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('ok')
  await expect.poll(() => world.senders.taken.length).toBe(1)
})
