/** Approvals: bound to one message, decided once, by users that may, and never by the caller that asks. */
import { expect, test } from 'vitest'
import { defaultPolicy } from '../../contract/policy.ts'
import { writer } from '../../test/support/draft-world.ts'
import { agent, ann, ben, hashOfTaken, signal, startSending } from '../../test/support/send-world.ts'

const to = ['eve@example.org']
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )

async function held(world: Awaited<ReturnType<typeof startSending>>, subject = 'Hello') {
  const draft = await world.create({ to, subject, body: { format: 'text', content: 'x' } })
  const submission = await world.send(draft)
  expect([submission.state, submission.can]).toEqual(['held', ['cancel']])
  return { draft, submission, approval: await world.approvalOf(submission.id) }
}

test('what a token sends is held, and leaves once a human approves exactly it', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const { approvals } = world
  const shown = await approvals.get(ann, approval.id)
  expect(shown).toMatchObject({ state: 'waiting', hash: submission.hash, can: ['approve', 'edit', 'deny'], needed: 1 })
  expect(shown.findings.map(({ rule }) => rule)).toEqual(['approval_always', 'approval_strangers'])
  expect((await approvals.get(agent, approval.id)).can).toEqual([])
  expect(await codeOf(approvals.get(writer('token-other'), approval.id))).toBe('approval_not_found')
  expect(
    await codeOf(approvals.get(writer('session-9', { kind: 'session', accounts: new Set(['b']) }), approval.id)),
  ).toBe('approval_not_found')
  // Reading approves nothing, and neither may the requester.
  for (const principal of [agent, { ...agent, userId: 'ann' }, { ...agent, kind: 'api_key' as const }]) {
    expect(await codeOf(approvals.approve(principal, approval.id, approval.hash))).toBe('session_needed')
  }
  expect(await codeOf(approvals.approve(ann, approval.id, '0'.repeat(64)))).toBe('approval_void')
  expect(world.senders.taken).toEqual([])
  expect((await approvals.approve(ann, approval.id, approval.hash)).state).toBe('approved')
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([approval.hash])
  expect(await codeOf(approvals.approve(ann, approval.id, approval.hash))).toBe('not_possible_now')
  const told = world
    .facts()
    .flatMap(({ type, data }) =>
      type === 'approval_requested' || type === 'approval_decided' ? [{ type, ...data }] : [],
    )
  expect(told).toMatchObject([
    { type: 'approval_requested', approval_id: approval.id, recipients: 1, principal: agent.id },
    { type: 'approval_decided', state: 'approved', by: ann.name },
  ])
})

test('a denial is read by the caller that asked, and opens the draft again', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  await world.approvals.deny(ann, approval.id, approval.hash, 'Not to this customer.')
  expect(await world.outbox.get(agent, submission.id)).toMatchObject({
    state: 'denied',
    error: { code: 'denied', why: 'Not to this customer.' },
  })
  expect(await world.drafts.get(agent, 'a', draft.id)).toMatchObject({ state: 'open' })
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('not_possible_now')
  expect(world.senders.taken).toEqual([])
})

test('an edit makes another message of it: the old hash is void, and only the new one leaves', async () => {
  const world = await startSending()
  world.rules.settings = { ...world.rules.settings, approvers: 2 }
  const { submission, approval } = await held(world)
  expect((await world.approvals.approve(ben, approval.id, approval.hash)).decisions).toHaveLength(1)
  const { signal } = new AbortController()
  await world.edits.edit(ann, approval.id, approval.hash, { subject: 'Better', to: ['anne@example.org'] }, signal)
  const edited = await world.approvals.get(ann, approval.id)
  expect([edited.state, edited.decisions, edited.submission.subject]).toEqual(['waiting', [], 'Better'])
  expect(edited.hash).not.toBe(approval.hash)
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('approval_void')
  expect(await codeOf(world.edits.edit(ann, approval.id, approval.hash, { subject: 'x' }, signal))).toBe(
    'approval_void',
  )
  expect(await codeOf(world.edits.edit(agent, approval.id, edited.hash, { subject: 'x' }, signal))).toBe(
    'session_needed',
  )
  await world.approvals.approve(ann, approval.id, edited.hash)
  expect(await codeOf(world.approvals.approve(ann, approval.id, edited.hash))).toBe('four_eyes_needed')
  expect(await world.stateOf(submission.id)).toBe('held')
  await world.approvals.approve(ben, approval.id, edited.hash)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([edited.hash])
  expect(world.senders.taken[0]!.envelope.to).toEqual(['anne@example.org'])
})

test('a cancelled message leaves no approval behind, and one that is not approved in time expires', async () => {
  const world = await startSending()
  const cancelled = await held(world)
  await world.outbox.cancel(agent, cancelled.submission.id)
  await expect.poll(async () => (await world.approvals.get(ann, cancelled.approval.id)).state).toBe('void')
  expect(await codeOf(world.approvals.approve(ann, cancelled.approval.id, cancelled.approval.hash))).toBe(
    'approval_void',
  )
  const [late, swept] = [await held(world), await held(world)]
  world.clock.ahead = 168 * 3_600_000
  // Expired by the late decision, and by the sweep.
  expect(await codeOf(world.approvals.approve(ann, late.approval.id, late.approval.hash))).toBe('not_possible_now')
  await world.ends.sweep()
  for (const { submission, approval } of [late, swept]) {
    expect([(await world.approvals.get(ann, approval.id)).state, await world.stateOf(submission.id)]).toEqual([
      'expired',
      'expired',
    ])
  }
  expect(world.senders.taken).toEqual([])
})

test('approvers: operators, the owner of the token unless the settings say otherwise, and only after a fresh sign-in where that is set', async () => {
  const world = await startSending()
  const { approval } = await held(world)
  const owned = { ...approval, user_id: 'ann' }
  await world.db.updateTable('approvals').set({ user_id: 'ann' }).where('id', '=', approval.id).execute()
  const plain = (userId: string) =>
    writer(`session-${userId}`, {
      kind: 'session',
      userId,
      accounts: 'all',
      scopes: new Set(['mail:meta', 'mail:send']),
    })
  const approve = (principal: typeof ann) => codeOf(world.approvals.checkApprover(principal, owned))
  expect([await approve(plain('ann')), await approve(plain('cy')), await approve(ben)]).toEqual([
    'ok',
    'forbidden',
    'ok',
  ])
  expect(await approve({ ...ben, scopes: new Set(['dashboard:operate']) })).toBe('forbidden')
  world.rules.settings = { ...world.rules.settings, own_tokens: false }
  expect([await approve(plain('ann')), await approve(ann), await approve(ben)]).toEqual([
    'four_eyes_needed',
    'four_eyes_needed',
    'ok',
  ])
  world.rules.settings = { ...world.rules.settings, fresh_sign_in_minutes: 5 }
  world.rules.signedInAt = Date.now() - 301_000
  expect(await codeOf(world.approvals.approve(ben, approval.id, approval.hash))).toBe('recent_sign_in_required')
  world.rules.signedInAt = undefined
  expect(await approve(ben)).toBe('recent_sign_in_required')
  world.rules.signedInAt = Date.now() - 200_000
  expect(await approve(ben)).toBe('ok')
  const deny = (principal: typeof ann) => codeOf(world.approvals.deny(principal, approval.id, approval.hash, undefined))
  expect([await deny(plain('cy')), await deny(agent)]).toEqual(['forbidden', 'session_needed'])
  expect(await world.stateOf(approval.submission_id)).toBe('held')
  expect(await codeOf(world.approvals.deny(plain('ann'), approval.id, approval.hash, undefined))).toBe('ok')
})

test('while its sender or its account is frozen nothing is approved; a policy that was narrowed meanwhile is asked again', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  const freeze = await world.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })
  const shown = await world.approvals.get(ann, approval.id)
  expect([shown.can, shown.submission.is_frozen]).toEqual([['deny'], true])
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('frozen')
  expect(await world.stateOf(submission.id)).toBe('held')
  await world.freezes.lift(ann, freeze.id)
  const { policy } = world.rules
  world.rules.policy = { ...policy, sending: { ...policy.sending, recipients: ['@example.com'] } }
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('not_possible_now')
  world.rules.policy = policy
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('ok')
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
})

test('what waits comes first, the oldest of it first; every page continues where the last one ended', async () => {
  const world = await startSending()
  const all = [
    await held(world, '1'),
    await held(world, '2'),
    await held(world, '3'),
    await held(world, '4'),
    await held(world, '5'),
  ]
  await world.approvals.deny(ann, all[1]!.approval.id, all[1]!.approval.hash, undefined)
  await world.approvals.deny(ann, all[3]!.approval.id, all[3]!.approval.hash, undefined)
  const walk = async (limit: number, more: { state?: 'denied' | 'waiting' } = {}) => {
    const subjects: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await world.approvals.list(ann, { limit, ...(cursor && { cursor }), ...more })
      expect(page.waiting).toBe(3)
      subjects.push(...page.items.map(({ submission }) => submission.subject))
      if (page.next_cursor === null) return subjects.join('')
      cursor = page.next_cursor
    }
  }
  for (const limit of [1, 2, 3, 4, 100]) {
    expect([
      await walk(limit),
      await walk(limit, { state: 'waiting' }),
      await walk(limit, { state: 'denied' }),
    ]).toEqual(['13542', '135', '42'])
  }
  expect(await codeOf(world.approvals.list(ann, { limit: 1, cursor: 'x' }))).toBe('bad_request')
  expect((await world.approvals.list(writer('token-other'), { limit: 10 })).items).toEqual([])
})

test('a human who edits may add the signature: it is that of the account, as in any other draft', async () => {
  const world = await startSending()
  const identity = {
    format: 'text' as const,
    content: 'Ann, Example Ltd',
    from_name: null,
    aliases: [],
    sent_copy: 'auto' as const,
  }
  await world.identities.set(ann, 'a', identity)
  const draft = await world.create({ to, include_signature: false, body: { format: 'text', content: 'x' } })
  const submission = await world.send(draft)
  const approval = await world.approvalOf(submission.id)
  await world.edits.edit(ann, approval.id, approval.hash, { include_signature: true }, signal)
  const { hash } = await world.approvalOf(submission.id)
  expect(hash).not.toBe(approval.hash)
  await world.approvals.approve(ann, approval.id, hash)
  await expect.poll(() => world.senders.taken.length).toBe(1)
  expect(world.senders.taken[0]!.bytes.toString()).toContain('Ann, Example Ltd')
})

const two = { approvers: 2, undo_seconds: 0 }

test('of two approvals the first counts only as long as its giver may approve', async () => {
  const world = await startSending()
  world.rules.settings = { ...world.rules.settings, ...two }
  const { submission, approval } = await held(world)
  await world.approvals.approve(ann, approval.id, approval.hash)
  world.rules.demoted.add('ann')
  const counted = async () => (await world.approvals.get(ben, approval.id)).decisions.map(({ counts }) => counts)
  expect(await counted()).toEqual([false])
  expect((await world.approvals.approve(ben, approval.id, approval.hash)).state).toBe('waiting')
  expect(await counted()).toEqual([false, true])
  expect(await world.stateOf(submission.id)).toBe('held')
  world.rules.demoted.clear()
  // Who gave it before need not again; the second one is there already.
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('four_eyes_needed')
  world.rules.demoted.add('ann')
  const cy = writer('session-3', { kind: 'session', userId: 'cy', accounts: 'all' })
  expect((await world.approvals.approve(cy, approval.id, approval.hash)).state).toBe('approved')
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([approval.hash])
})

test('a decision that waited behind the end of its approver is refused, and the message waits on', async () => {
  const world = await startSending()
  const { submission, approval } = await held(world)
  // The requests were admitted before.
  world.rules.demoted.add('ann')
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('unauthorized')
  expect(await codeOf(world.approvals.deny(ann, approval.id, approval.hash, 'No'))).toBe('unauthorized')
  world.rules.narrowed.set('ann', { scopes: new Set(['mail:draft']) })
  world.rules.demoted.clear()
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('forbidden')
  expect(await codeOf(world.approvals.deny(ann, approval.id, approval.hash, 'No'))).toBe('forbidden')
  world.rules.narrowed.set('ann', { accounts: new Set(['b']) })
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('approval_not_found')
  expect(await codeOf(world.approvals.deny(ann, approval.id, approval.hash, 'No'))).toBe('approval_not_found')
  expect(await world.stateOf(submission.id)).toBe('held')
  expect((await world.approvals.approve(ben, approval.id, approval.hash)).state).toBe('approved')
})

test('of two approvals that of the owner does not count once owners may not approve', async () => {
  const world = await startSending()
  world.rules.settings = { ...world.rules.settings, ...two }
  const owned = { ...agent, userId: 'ann' }
  const draft = await world.create({ to, body: { format: 'text', content: 'x' } }, owned)
  const { id } = await world.send(draft, owned)
  const approval = await world.approvalOf(id)
  await world.approvals.approve(ann, approval.id, approval.hash)
  world.rules.settings = { ...world.rules.settings, own_tokens: false }
  expect((await world.approvals.approve(ben, approval.id, approval.hash)).state).toBe('waiting')
  expect(await world.stateOf(id)).toBe('held')
})

test('what a sender asked for is withdrawn as soon as that sender has ended, and its draft is open', async () => {
  const world = await startSending()
  const { draft, submission, approval } = await held(world)
  const other = await world.send(
    await world.create({ to, body: { format: 'text', content: 'x' } }, writer('token-other')),
    writer('token-other'),
  )
  world.rules.ended.add(agent.id)
  // What is shown is correct even before any event has arrived.
  const shown = await world.approvals.get(ann, approval.id)
  expect([shown.can, shown.cannot_because]).toEqual([['deny'], expect.stringContaining('may no longer send')])
  expect(await codeOf(world.approvals.approve(ann, approval.id, approval.hash))).toBe('not_possible_now')
  const data = { token_id: 'agent', name: 'agent', user_id: 'ann', at: new Date().toISOString() }
  await world.hub.publish({ type: 'token_revoked', data })
  await expect.poll(async () => (await world.approvalOf(submission.id)).state).toBe('void')
  expect(await world.outbox.get(agent, submission.id)).toMatchObject({
    state: 'denied',
    error: { code: 'sender_not_allowed' },
    // Nothing that was never approved can be tried again.
    can: [],
  })
  expect((await world.drafts.get(agent, 'a', draft.id)).state).toBe('open')
  expect((await world.approvalOf(other.id)).state).toBe('waiting')
})

test('what waits for its time, or for another attempt, ends with its sender and not when it is due; what others wait for stays', async () => {
  const world = await startSending()
  world.rules.policy = {
    ...defaultPolicy,
    sending: { ...defaultPolicy.sending, approval: { always: false, strangers: false, tainted_minutes: null } },
  }
  const at = new Date(world.clock.now() + 3_600_000).toISOString()
  const write = (by: typeof agent) => world.create({ to, body: { format: 'text', content: 'x' } }, by)
  const schedule = async (by: typeof agent) => world.send(await write(by), by, { at })
  const others = await schedule(writer('token-other'))
  const [scheduled, retried] = [await schedule(agent), await schedule(agent)]
  await world.db.updateTable('submissions').set({ state: 'queued' }).where('id', '=', retried.id).execute()
  await world.ends.sweep()
  expect(await world.stateOf(scheduled.id)).toBe('scheduled')
  // It had expired: no fact reports the revocation.
  world.rules.ended.add(agent.id)
  await world.ends.sweep()
  for (const { id, draft_id: draftId } of [scheduled, retried]) {
    expect(await world.outbox.get(ann, id)).toMatchObject({
      state: 'denied',
      error: { code: 'sender_not_allowed', why: expect.stringContaining('user that asked is no longer valid') },
      can: [],
    })
    expect((await world.drafts.get(agent, 'a', draftId)).state).toBe('open')
  }
  expect(await world.stateOf(others.id)).toBe('scheduled')
  // Withdrawn immediately when the token is revoked.
  const later = await schedule(writer('token-third'))
  world.rules.ended.add('token-third')
  const data = { token_id: 'third', name: 'third', user_id: 'ann', at: new Date().toISOString() }
  world.hub.publish({ type: 'token_revoked', data })
  await expect.poll(() => world.stateOf(later.id)).toBe('denied')
  expect(world.senders.taken).toEqual([])
})

test('what keeps it from being approved is shown: the policy of now, its address, and settings that cannot be read', async () => {
  const world = await startSending()
  const { approval } = await held(world)
  const shown = async () => {
    const { can, cannot_because: because } = await world.approvals.get(ann, approval.id)
    const code = await codeOf(world.approvals.approve(ann, approval.id, approval.hash))
    return [can, because, code]
  }
  const { policy, account, settings } = world.rules
  world.rules.policy = { ...policy, sending: { ...policy.sending, recipients: [] } }
  expect(await shown()).toEqual([['edit', 'deny'], expect.stringContaining('policy'), 'not_possible_now'])
  world.rules.policy = policy
  world.rules.account = { version: '2', addresses: new Set() }
  expect(await shown()).toEqual([['edit', 'deny'], expect.stringContaining('no longer an address'), 'not_possible_now'])
  world.rules.account = account
  world.rules.isPolicyUnreadable = true
  expect(await shown()).toEqual([['deny'], expect.stringContaining('cannot be read'), 'not_possible_now'])
  world.rules.isPolicyUnreadable = false
  world.rules.settings = { ...settings, is_unreadable: true }
  expect(await shown()).toEqual([['deny'], expect.stringContaining('cannot be read'), 'not_possible_now'])
  world.rules.settings = settings
  expect(await shown()).toEqual([['approve', 'edit', 'deny'], null, 'ok'])
  expect(world.senders.taken.length).toBeLessThanOrEqual(1)
})

test('with passkeys each yes is confirmed for exactly this message, by the user who gives it, in this session', async () => {
  const world = await startSending()
  world.rules.settings = { ...world.rules.settings, approvers: 2 }
  const { submission, approval } = await held(world)
  const other = await held(world, 'Other')
  // Given before it was wanted: it does not count.
  await world.approvals.approve(ann, approval.id, approval.hash)
  world.rules.settings = { ...world.rules.settings, passkey: true }
  const shown = await world.approvals.get(ann, approval.id)
  expect([shown.needs_passkey, shown.can, shown.decisions.map(({ counts }) => counts)]).toEqual([
    true,
    ['approve', 'edit', 'deny'],
    [false],
  ])
  const begin = (user: typeof ann, of = approval) => world.passkeys.begin(user, of.id, of.hash, world.approvals)
  const approve = (user: typeof ann, proof?: { challenge_id: string; response: unknown }) =>
    codeOf(world.approvals.approve(user, approval.id, approval.hash, proof))
  const prove = async (user: typeof ann, of = approval) => ({ ...(await begin(user, of)), response: {} })
  expect(await approve(ann)).toBe('passkey_required')
  for (const proof of [await prove(ben), await prove(ann, other.approval), await prove({ ...ann, id: 'session-8' })]) {
    expect(await approve(ann, proof)).toBe('passkey_required')
  }
  expect(await codeOf(world.passkeys.begin(ann, approval.id, '0'.repeat(64), world.approvals))).toBe('approval_void')
  expect(await codeOf(begin({ ...ann, scopes: new Set() }))).toBe('forbidden')
  expect([await approve(ann, await prove(ann)), await world.stateOf(submission.id)]).toEqual(['ok', 'held'])
  expect([await approve(ben, await prove(ben)), await approve(ben)]).toEqual(['ok', 'not_possible_now'])
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  world.rules.withoutPasskey.add('ann')
  const without = await world.approvals.get(ann, other.approval.id)
  expect([without.can, without.cannot_because]).toEqual([['edit', 'deny'], expect.stringContaining('passkey')])
})
