/** What waits to leave is judged again right before it does: by denials, hours, its address, and by approvals where the policy has become another. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { agent, ann, hashOfTaken, signal, startSending } from '../../test/support/send-world.ts'

type World = Awaited<ReturnType<typeof startSending>>

const hour = 3_600_000
const to = ['anne@example.com', 'bob@example.org']

function policyWith(sending: Partial<TokenPolicy['sending']>, mode: TokenPolicy['mode'] = 'act'): TokenPolicy {
  const approval = { always: false, strangers: false, tainted_minutes: null }
  return { ...defaultPolicy, mode, sending: { ...defaultPolicy.sending, approval, ...sending } }
}
const free = policyWith({})
const approvals = (approval: Partial<TokenPolicy['sending']['approval']>) =>
  policyWith({ approval: { ...free.sending.approval, ...approval } })

/** Let out without an approval, for an hour from now. */
async function letOut(world: World, policy = free, principal = agent) {
  world.rules.policy = policy
  const draft = await world.create({ to, subject: 'Hello', body: { format: 'text', content: 'x' } })
  const at = new Date(world.clock.now() + hour).toISOString()
  const submission = await world.send(draft, principal, { at })
  expect([submission.state, submission.approval_id]).toEqual(['scheduled', null])
  return { draft, submission }
}

function pass(world: World, ms = 2 * hour): void {
  world.clock.ahead += ms
  world.queue.lookAgain()
}

const row = async (world: World, id: string) => (await world.outbox.find(id))!

test('a policy that has become stricter holds what it let out, and it leaves once a human approves exactly it', async () => {
  const world = await startSending()
  const { submission } = await letOut(world)
  world.rules.policy = approvals({ always: true })
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('held')
  const approval = await world.approvalOf(submission.id)
  expect((await row(world, submission.id)).approval_id).toBe(approval.id)
  const shown = await world.approvals.get(ann, approval.id)
  expect(shown).toMatchObject({ state: 'waiting', hash: submission.hash, can: ['approve', 'edit', 'deny'] })
  expect(shown.findings.map(({ rule }) => rule)).toEqual(['approval_always'])
  const told = world.facts().map(({ type, data }) => [type, 'state' in data ? data.state : undefined])
  expect(told).toContainEqual(['approval_requested', undefined])
  expect(told).toContainEqual(['delivery_changed', 'held'])
  expect(world.senders.taken).toEqual([])
  await world.approvals.approve(ann, approval.id, approval.hash)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect(world.senders.taken.map(hashOfTaken)).toEqual([submission.hash])
})

test('one that only proposes by now holds it too', async () => {
  const world = await startSending()
  const { submission } = await letOut(world)
  world.rules.policy = policyWith({}, 'propose')
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('held')
})

test('of a policy that asks for approvals in other cases, those are asked that concern the message', async () => {
  const world = await startSending()
  world.rules.written = new Set(to)
  const known = await letOut(world)
  world.rules.policy = approvals({ strangers: true })
  pass(world)
  await expect.poll(() => world.stateOf(known.submission.id)).toBe('sent')
  world.rules.written = new Set([to[0]!])
  const strange = await letOut(world)
  world.rules.policy = approvals({ strangers: true })
  pass(world)
  await expect.poll(() => world.stateOf(strange.submission.id)).toBe('held')
  const { findings } = await world.approvalOf(strange.submission.id)
  expect(JSON.parse(findings)).toMatchObject([{ rule: 'approval_strangers', recipients: [to[1]] }])
})

test('other changes of the policy require no approval, also where its rules for approvals would decide differently by now', async () => {
  const world = await startSending()
  world.rules.written = new Set(to)
  const strangers = approvals({ strangers: true })
  const { submission } = await letOut(world, strangers)
  world.rules.written = new Set()
  world.rules.policy = { ...strangers, sending: { ...strangers.sending, max_per_hour: 1 } }
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
})

test('whether its writer had read mail of a stranger is asked for the time at which it was handed in', async () => {
  const world = await startSending()
  const tainted = approvals({ tainted_minutes: 30 })
  world.rules.written = new Set(to)
  world.reads.set(agent.id, world.clock.now() - 20 * 60_000)
  const { submission } = await letOut(world)
  world.rules.policy = tainted
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('held')
  world.reads.set(agent.id, world.clock.now() - 31 * 60_000)
  const clean = await letOut(world)
  world.rules.policy = tainted
  pass(world)
  await expect.poll(() => world.stateOf(clean.submission.id)).toBe('sent')
})

test('what the policy denies by then ends as failed with the reason, also where a human approved it', async () => {
  const world = await startSending()
  const { draft, submission } = await letOut(world)
  world.rules.policy = approvals({ always: true })
  const second = await world.create({ to, body: { format: 'text', content: 'x' } })
  const approved = await world.send(second, agent, { at: new Date(world.clock.now() + hour).toISOString() })
  const approval = await world.approvalOf(approved.id)
  await world.approvals.approve(ann, approval.id, approval.hash)
  expect(await world.stateOf(approved.id)).toBe('scheduled')
  world.rules.policy = policyWith({ recipients: ['@example.com'], approval: world.rules.policy.sending.approval })
  pass(world)
  for (const { id } of [submission, approved]) {
    await expect.poll(() => world.stateOf(id)).toBe('failed')
    expect((await world.outbox.get(ann, id)).error).toMatchObject({
      code: 'policy_denied',
      why: expect.stringContaining('may not send to these recipients'),
    })
  }
  expect((await world.drafts.get(agent, 'a', draft.id)).state).toBe('open')
  expect(world.senders.taken).toEqual([])
})

test('what a user sends is not judged, and what a human approved is not asked about again', async () => {
  const world = await startSending()
  const own = await letOut(world, free, ann)
  world.rules.policy = approvals({ always: true })
  const draft = await world.create({ to, body: { format: 'text', content: 'x' } })
  const asked = await world.send(draft, agent, { at: new Date(world.clock.now() + hour).toISOString() })
  const approval = await world.approvalOf(asked.id)
  await world.approvals.approve(ann, approval.id, approval.hash)
  world.rules.policy = policyWith({ approval: { always: true, strangers: true, tainted_minutes: 5 } }, 'propose')
  pass(world)
  for (const { id } of [own.submission, asked]) await expect.poll(() => world.stateOf(id)).toBe('sent')
})

test('outside of working hours it waits for the next opening, and leaves then', async () => {
  const world = await startSending()
  const { submission } = await letOut(world)
  const now = new Date(world.clock.now() + 2 * hour)
  const clockOf = (time: Date) => `${String(time.getUTCHours()).padStart(2, '0')}:00`
  const [from, until] = [new Date(now.getTime() + 3 * hour), new Date(now.getTime() + 5 * hour)]
  const hours = { days: [1, 2, 3, 4, 5, 6, 7], from: clockOf(from), to: clockOf(until), time_zone: 'UTC' }
  world.rules.policy = policyWith({ hours })
  pass(world)
  const opening = `${from.toISOString().slice(0, 13)}:00:00.000Z`
  await expect.poll(async () => (await row(world, submission.id)).due_at).toBe(opening)
  expect(await world.outbox.get(agent, submission.id)).toMatchObject({
    state: 'scheduled',
    send_at: opening,
    error: { code: 'outside_hours' },
  })
  expect(world.senders.taken).toEqual([])
  pass(world, 3 * hour)
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
  expect((await world.outbox.get(agent, submission.id)).error).toBeNull()
})

test('where what is stored of the rules cannot be read, programs send nothing, and nothing is lost', async () => {
  const world = await startSending()
  const { submission } = await letOut(world)
  const { submission: own } = await letOut(world, free, ann)
  world.rules.isPolicyUnreadable = true
  pass(world)
  await expect.poll(() => world.stateOf(own.id)).toBe('sent')
  expect(await world.stateOf(submission.id)).toBe('scheduled')
  world.rules.isPolicyUnreadable = false
  world.rules.settings = { ...world.rules.settings, is_unreadable: true }
  const { submission: later } = await letOut(world, free, ann)
  pass(world)
  await expect.poll(() => world.stateOf(later.id)).toBe('sent')
  expect(await world.stateOf(submission.id)).toBe('scheduled')
  world.rules.settings = { ...world.rules.settings, is_unreadable: false }
  world.queue.lookAgain()
  await expect.poll(() => world.stateOf(submission.id)).toBe('sent')
})

test('what says that it is from an address that the account has no more never leaves, sent by programs or users', async () => {
  const world = await startSending()
  const [token, user] = [await letOut(world), await letOut(world, free, ann)]
  world.rules.account = { version: '2', addresses: new Set(['other@example.org']) }
  pass(world)
  for (const { submission } of [token, user]) {
    await expect.poll(() => world.stateOf(submission.id)).toBe('failed')
    expect((await row(world, submission.id)).error).toContain('sender_changed')
  }
  // As another address of its owner it may stay.
  const alias = await letOut(world)
  world.rules.account = { version: '3', addresses: new Set(['other@example.org', 'ann@example.org']) }
  pass(world)
  await expect.poll(() => world.stateOf(alias.submission.id)).toBe('sent')
  expect(world.senders.taken).toHaveLength(1)
})

test('a change while the bytes are on their way keeps the last of them back', async () => {
  const changes: [string, (rules: World['rules']) => unknown, string][] = [
    ['policy', rules => Object.assign(rules, { policy: approvals({ always: true }) }), 'held'],
    ['recipients', rules => Object.assign(rules, { policy: policyWith({ recipients: [] }) }), 'failed'],
    ['address', rules => rules.account.addresses.clear(), 'failed'],
    ['sender', rules => rules.ended.add(agent.id), 'failed'],
  ]
  for (const [name, change, state] of changes) {
    const world = await startSending()
    world.senders.server = { before: () => void change(world.rules) }
    world.rules.policy = free
    const draft = await world.create({ to, body: { format: 'text', content: 'x' } })
    const { id } = await world.send(draft)
    await expect.poll(async () => [name, await world.stateOf(id)]).toEqual([name, state])
    expect(world.senders.taken, name).toEqual([])
  }
})

test('another login of the account is used from the next message on, also where its change is not heard yet', async () => {
  const world = await startSending()
  world.rules.policy = free
  const send = async () => {
    const draft = await world.create({ to, body: { format: 'text', content: 'x' } })
    const { id } = await world.send(draft)
    await expect.poll(() => world.stateOf(id)).toBe('sent')
    return id
  }
  await send()
  let isChanged = false
  world.senders.server = {
    before: () => {
      // The connection was opened with the login of before: nothing is completed on it.
      if (isChanged) return
      isChanged = true
      world.rules.account = { ...world.rules.account, version: '2' }
    },
  }
  await send()
  expect([world.senders.opened, world.senders.taken.length]).toEqual([2, 2])
})

test('of recipients that were refused for now, those alone are judged, and the others keep what they got', async () => {
  const world = await startSending()
  world.senders.server = { recipient: email => (email === to[1] ? '450 4.2.1 later' : undefined) }
  world.rules.policy = free
  const draft = await world.create({ to, body: { format: 'text', content: 'x' } })
  const { id } = await world.send(draft)
  await expect.poll(async () => [await world.stateOf(id), world.senders.taken.length]).toEqual(['queued', 1])
  world.senders.server = {}
  world.rules.policy = policyWith({ recipients: ['@example.com'] })
  pass(world)
  await expect.poll(() => world.stateOf(id)).toBe('partial')
  const { recipients } = await world.outbox.get(agent, id)
  expect(recipients.map(({ state }) => state)).toEqual(['accepted', 'refused'])
  expect(world.senders.taken).toHaveLength(1)
})

test('where it cannot be looked up to whom the account wrote, a human is asked, and other messages pass', async () => {
  const world = await startSending()
  const { submission } = await letOut(world)
  const { submission: own } = await letOut(world, free, ann)
  world.rules.written = undefined
  world.rules.policy = approvals({ strangers: true })
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('held')
  await expect.poll(() => world.stateOf(own.id)).toBe('sent')
})

test('replies to others are judged where it is taken in, when it waits, and after an edit; those to the owner are not', async () => {
  const world = await startSending()
  const [eve, own] = ['eve@attacker.example', 'ann@example.org']
  const named = policyWith({ recipients: ['@example.com'] })
  const draftWith = (reply_to: string[]) =>
    world.create({ to: ['anne@example.com'], reply_to, subject: 'Hello', body: { format: 'text', content: 'x' } })
  world.rules.policy = named
  await expect(world.send(await draftWith([eve]))).rejects.toMatchObject({ code: 'policy_denied' })
  expect((await world.send(await draftWith([own]))).state).toBe('queued')
  world.rules.policy = free
  const at = new Date(world.clock.now() + hour).toISOString()
  const waiting = await world.send(await draftWith([eve]), agent, { at })
  world.rules.policy = policyWith({ approval: { always: true, strangers: false, tainted_minutes: null } })
  const held = await world.send(await draftWith([eve]))
  world.rules.policy = named
  pass(world)
  await expect.poll(() => world.stateOf(waiting.id)).toBe('failed')
  const approval = await world.approvalOf(held.id)
  await expect(world.approvals.approve(ann, approval.id, approval.hash)).rejects.toMatchObject({
    code: 'not_possible_now',
  })
  await world.edits.edit(ann, approval.id, approval.hash, { reply_to: [] }, signal)
  const edited = await world.approvalOf(held.id)
  expect((await world.approvals.approve(ann, edited.id, edited.hash)).state).toBe('approved')
})

test('a recipient that the policy no longer names needs an approval again, if a stranger’s mail was read', async () => {
  const world = await startSending()
  world.reads.set(agent.id, world.clock.now())
  const { submission } = await letOut(world, policyWith({ recipients: ['anne@example.com', 'bob@example.org'] }))
  world.rules.policy = free
  pass(world)
  await expect.poll(() => world.stateOf(submission.id)).toBe('held')
})

test('what waits for an approval does not leave by another road: without one, or with that of another message', async () => {
  const world = await startSending()
  const held = async () => {
    world.rules.policy = defaultPolicy
    const draft = await world.create({ to, subject: 'Hello', body: { format: 'text', content: 'x' } })
    return (await world.send(draft)).id
  }
  // The queue of the account runs.
  await letOut(world, free, ann)
  const ids = [await held(), await held(), await held()]
  const [, swapped, missing] = ids as [string, string, string]
  const { db } = world
  await db
    .updateTable('approvals')
    .set({ state: 'approved', hash: '0'.repeat(64) })
    .where('submission_id', '=', swapped)
    .execute()
  await db.deleteFrom('approvals').where('submission_id', '=', missing).execute()
  // Even a policy that would let it out by now does not: a human was asked.
  world.rules.policy = free
  await db
    .updateTable('submissions')
    .set({ state: 'queued', due_at: new Date(world.clock.now()).toISOString() })
    .where('id', 'in', ids)
    .execute()
  world.queue.lookAgain()
  for (const id of ids) {
    await expect.poll(async () => (await row(world, id)).error).toContain('not_approved')
  }
  expect(world.senders.taken).toEqual([])
})
