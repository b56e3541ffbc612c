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
  const { approvals, releases, approvalStore: store, drafts, outbox, hub, clock, othersIn } = world
  const composer: HeldEditsOptions['composer'] = {
    composePlanned: async (...asked) => {
      const composed = await world.composer.composePlanned(...asked)
      await happens()
      return composed
    },
    keep: (...kept) => world.composer.keep(...kept),
  }
  return new HeldEdits({ othersIn, approvals, releases, store, drafts, composer, outbox, hub, now: clock.now })
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
  await world.ends.stop()
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
  const { draft_id: draftId, rev } = (await world.outbox.find(submission.id))!
  expect(await world.drafts.get(ann, 'a', draftId)).toMatchObject({ rev, to: [{ email: 'anne@example.com' }] })
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
  // Nothing of the second is left in the draft either: it is what waits.
  const { draft_id: draftId, rev } = (await world.outbox.find(submission.id))!
  expect(await world.drafts.get(ann, 'a', draftId)).toMatchObject({ rev, subject: 'First' })
  const waits = await world.approvalOf(submission.id)
  expect(waits.state).toBe('waiting')
  expect((await world.approvals.get(ann, approval.id)).submission.subject).toBe('First')
  await world.approvals.approve(ann, approval.id, waits.hash)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(({ bytes }) => /^Subject: (.*)$/m.exec(bytes.toString())![1]!.trim())).toEqual([
    'First',
  ])
})

test('an edit of a user who ended while it was composed is refused, and changes neither the draft nor what waits', async () => {
  const world = await startSending()
  const { draft, approval } = await held(world)
  const edits = editsWhile(world, async () => world.rules.demoted.add('ann'))
  expect(await codeOf(edits.edit(ann, approval.id, approval.hash, { subject: 'Late' }, signal))).toBe('unauthorized')
  expect((await world.drafts.get(ann, 'a', draft.id)).subject).toBe('Hello')
  expect((await world.approvals.get(ann, approval.id)).hash).toBe(approval.hash)
})

test('an edit that leaves no recipient is rejected, the waiting message and its draft stay, and a better edit follows', async () => {
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

test('of ten editors at the same moment one wins, and the draft is what waits', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  const subjects = Array.from({ length: 10 }, (_, index) => `Edit ${index}`)
  const edited = await Promise.all(
    subjects.map(subject => codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject }, signal))),
  )
  expect(edited.toSorted()).toEqual([...Array.from({ length: 9 }, () => 'approval_void'), 'ok'])
  const waits = (await world.outbox.find(submission.id))!
  const left = await world.drafts.get(ann, 'a', draft.id)
  expect([left.rev, left.subject]).toEqual([waits.rev, waits.subject])
  expect(waits.rev).toBe(draft.rev + 1)
  expect(waits.subject).toBe(subjects[edited.indexOf('ok')])
})

test('what some recipients have already is not edited, and what is frozen neither', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const { id } = await world.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })
  const edit = () => codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject: 'x' }, signal))
  expect([await edit(), (await world.approvals.get(ann, approval.id)).can]).toEqual(['frozen', ['deny']])
  await world.freezes.lift(ann, id)
  const row = (await world.outbox.find(submission.id))!
  const recipients = row.recipients.replace('"waiting"', '"accepted"')
  await world.db.updateTable('submissions').set({ recipients }).where('id', '=', row.id).execute()
  expect([await edit(), (await world.approvals.get(ann, approval.id)).can]).toEqual([
    'not_possible_now',
    ['approve', 'deny'],
  ])
})

test('an account that got another address gives it to what is edited, and to drafts that were composed before', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const open = await world.create({ to: ['anne@example.com'], body: { format: 'text', content: 'x' } })
  expect((await world.compose(open)).composed.from.email).toBe('ann@example.org')
  world.setEmail('new@example.org')
  world.rules.account = { version: '2', addresses: new Set(['new@example.org']) }
  await world.edits.edit(ann, approval.id, approval.hash, { subject: 'Edited' }, signal)
  const { hash } = await world.approvalOf(submission.id)
  await world.approvals.approve(ann, approval.id, hash)
  const second = await world.send(open)
  const again = await world.approvalOf(second.id)
  await world.approvals.approve(ann, again.id, again.hash)
  for (const { id } of [submission, second]) await expect.poll(() => world.stateOf(id)).toBe('sent')
  expect(world.senders.taken.map(({ envelope }) => envelope.from)).toEqual(['new@example.org', 'new@example.org'])
  expect(world.senders.taken.map(({ bytes }) => /^From: (.*)$/m.exec(bytes.toString())![1]!.trim())).toEqual([
    'new@example.org',
    'new@example.org',
  ])
})

test('a draft that is by now another than what waits makes the edit void', async () => {
  const world = await startSending()
  const { draft, approval } = await held(world)
  await world.db.updateTable('drafts').set({ rev: 9 }).where('id', '=', draft.id).execute()
  const edit = world.edits.edit(ann, approval.id, approval.hash, { subject: 'Edited' }, signal)
  expect(await codeOf(edit)).toBe('approval_void')
})
