/** Edits of what is held: by users that may approve it, of exactly the message they saw, and all or nothing. */
import { expect, test } from 'vitest'
import { writer } from '../../test/support/draft-world.ts'
import { agent, ann, hashOfTaken, signal, startSending } from '../../test/support/send-world.ts'
import { HeldEdits, type HeldEditsOptions } from './held-edits.ts'

type World = Awaited<ReturnType<typeof startSending>>

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )

async function held(world: World) {
  const to = ['anne@example.com']
  const draft = await world.create({ to, subject: 'Hello', body: { format: 'text', content: 'x' } })
  const submission = await world.send(draft)
  return { draft, submission, approval: await world.approvalOf(submission.id) }
}

/** Something happens between composing the edit and putting it in place of what waits. */
function editsWhile(world: World, happens: () => Promise<unknown>): HeldEdits {
  const { approvals, approvalStore: store, drafts, outbox, hub, clock } = world
  const composer: HeldEditsOptions['composer'] = {
    compose: async (...asked) => {
      const composed = await world.composer.compose(...asked)
      await happens()
      return composed
    },
  }
  return new HeldEdits({ approvals, store, drafts, composer, outbox, hub, now: clock.now })
}

const requests = (world: World) => world.facts().filter(({ type }) => type === 'approval_requested')

test('an edit that is refused changes neither the draft nor what waits', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  const { rev } = await world.drafts.get(ann, 'a', draft.id)
  const edit = (principal = ann, hash = approval.hash, id = approval.id) =>
    codeOf(world.edits.edit(principal, id, hash, { subject: 'Edited' }, signal))
  expect(await edit(agent)).toBe('session_needed')
  expect(await edit({ ...agent, userId: 'ann' })).toBe('session_needed')
  expect(await edit({ ...ann, kind: 'api_key' })).toBe('approval_not_found')
  expect(await edit(writer('session-9', { kind: 'session', userId: 'cy', accounts: new Set(['b']) }))).toBe(
    'approval_not_found',
  )
  expect(await edit({ ...ann, scopes: new Set(['mail:send']) })).toBe('forbidden')
  expect(await edit({ ...ann, scopes: new Set(['dashboard:operate']) })).toBe('forbidden')
  expect(await edit(ann, '0'.repeat(64))).toBe('approval_void')
  expect(await edit(ann, approval.hash, 'nosuch')).toBe('approval_not_found')
  world.rules.settings = { ...world.rules.settings, fresh_sign_in_minutes: 5 }
  world.rules.signedInAt = Date.now() - 301_000
  expect(await edit()).toBe('recent_sign_in_required')
  expect((await world.drafts.get(ann, 'a', draft.id)).rev).toBe(rev)
  expect(await world.approvalOf(submission.id)).toEqual(approval)
  expect(requests(world)).toHaveLength(1)
})

test('what was decided or cancelled is not edited any more', async () => {
  const world = await startSending()
  const [denied, cancelled] = [await held(world), await held(world)]
  await world.approvals.deny(ann, denied.approval.id, denied.approval.hash, undefined)
  await world.outbox.cancel(agent, cancelled.submission.id)
  for (const { draft, approval } of [denied, cancelled]) {
    const { rev } = await world.drafts.get(ann, 'a', draft.id)
    expect(await codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject: 'x' }, signal))).toBe(
      'approval_void',
    )
    expect((await world.drafts.get(ann, 'a', draft.id)).rev).toBe(rev)
  }
})

test('what was cancelled is not edited either while its approval does not know it yet', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  await world.approvals.stop()
  await world.outbox.cancel(agent, submission.id)
  expect((await world.approvalOf(submission.id)).state).toBe('waiting')
  const { rev } = await world.drafts.get(ann, 'a', draft.id)
  expect(await codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject: 'x' }, signal))).toBe(
    'approval_void',
  )
  expect((await world.drafts.get(ann, 'a', draft.id)).rev).toBe(rev)
})

test('an edit during which the message was approved comes too late: what was approved leaves, once', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const edits = editsWhile(world, () => world.approvals.approve(ann, approval.id, approval.hash))
  expect(await codeOf(edits.edit(ann, approval.id, approval.hash, { to: ['eve@example.org'] }, signal))).toBe(
    'approval_void',
  )
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([approval.hash])
  expect(world.senders.taken[0]!.envelope.to).toEqual(['anne@example.com'])
})

test('of two edits of one message the second is void, and the first one is what waits', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const edits = editsWhile(world, async () => {
    await codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject: 'First' }, signal))
  })
  const second = await codeOf(edits.edit(ann, approval.id, approval.hash, { subject: 'Second' }, signal))
  expect(second).toBe('approval_void')
  const waits = await world.approvalOf(submission.id)
  expect(waits.state).toBe('waiting')
  expect((await world.approvals.get(ann, approval.id)).submission.subject).toBe('First')
  await world.approvals.approve(ann, approval.id, waits.hash)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(({ bytes }) => /^Subject: (.*)$/m.exec(bytes.toString())![1]!.trim())).toEqual([
    'First',
  ])
})

test('an edit that leaves nobody is refused, what waits and its draft stay, and a better one follows', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  expect(await codeOf(world.edits.edit(ann, approval.id, approval.hash, { to: [] }, signal))).toBe('no_recipients')
  expect(await world.approvalOf(submission.id)).toEqual(approval)
  expect(await world.stateOf(submission.id)).toBe('held')
  // It is open again after a denial.
  expect((await world.drafts.get(ann, 'a', draft.id)).to).toEqual(draft.to)
  await world.edits.edit(ann, approval.id, approval.hash, { to: ['bob@example.org'] }, signal)
  const { hash } = await world.approvalOf(submission.id)
  await world.approvals.approve(ann, approval.id, hash)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(({ envelope }) => envelope.to)).toEqual([['bob@example.org']])
})

test('the policy is asked about the edited recipients, and everyone is told that another message waits', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const { policy } = world.rules
  world.rules.policy = { ...policy, sending: { ...policy.sending, recipients: ['@example.com'] } }
  const to = ['anne@example.com', 'eve@example.org']
  await world.edits.edit(ann, approval.id, approval.hash, { to }, signal)
  expect(requests(world)).toMatchObject([{ data: { recipients: 1 } }, { data: { recipients: 2, principal: agent.id } }])
  const { hash } = await world.approvalOf(submission.id)
  expect(await codeOf(world.approvals.approve(ann, approval.id, hash))).toBe('not_possible_now')
  expect(world.senders.taken).toEqual([])
  expect(await world.stateOf(submission.id)).toBe('held')
})
