/** Proposals: nothing is done before a human says yes, to exactly what was looked at, and each item once. */
import { expect, test, vi } from 'vitest'
import { proposalBounds } from '../../contract/proposal.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, operator, principalOf, signal } from '../../test/support/operation-world.ts'
import { startProposals } from '../../test/support/proposal-world.ts'
import type { ApprovalRow } from '../approvals/approval-tables.ts'
import { ItemKinds } from './item-kinds.ts'

const day = 24 * 60 * 60_000
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
const folders = (world: Awaited<ReturnType<typeof startProposals>>) =>
  JSON.stringify([...world.gateway.folders].map(([path, { messages }]) => [path, messages]))

onEachDatabase(open => {
  async function proposed() {
    const world = await startProposals(await open())
    for (const subject of ['one', 'two']) world.gateway.deliver({ subject })
    const before = folders(world)
    const refs = world.refsIn('INBOX')
    const flags = await world.accept({ kind: 'flags', ids: refs, add: ['flagged'] })
    const move = await world.accept({ kind: 'move', ids: [refs[0]!], to: { role: 'archive' } })
    const id = flags.proposal_id!
    const chosen = async (...operations: { id: string }[]) =>
      (await world.proposals.get(operator, id)).items
        .filter(item => operations.some(operation => operation.id === item.id))
        .map(({ id: itemId, hash }) => ({ id: itemId, hash }))
    return { world, before, refs, flags, move, id, chosen }
  }

  test('a proposal of more changes than a response may have is shown to the last, and applied to the last', async () => {
    const world = await startProposals(await open())
    for (let each = 0; each < 230; each++) world.gateway.deliver({ subject: `${each}` })
    const refs = world.refsIn('INBOX')
    const { id: flags, proposal_id: id } = await world.accept({ kind: 'flags', ids: refs, add: ['flagged'] })
    const move = await world.accept({ kind: 'move', ids: refs.slice(0, 120), to: { role: 'archive' } })
    const seen: string[] = []
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const page = await world.diff.list(operator, id!, { limit: proposalBounds.changes, cursor }, signal)
      expect(page).toMatchObject({ total: 350, items: { length: Math.min(proposalBounds.changes, 350 - seen.length) } })
      seen.push(...page.items.map(({ item_id, subject }) => `${item_id} ${subject}`))
      cursor = page.next_cursor
    }
    expect(new Set(seen).size).toBe(350)
    const { items } = await world.proposals.get(operator, id!)
    const { results } = await world.proposals.apply(operator, id!, items)
    expect(results.map(({ state }) => state)).toEqual(['applied', 'applied'])
    expect((await world.settled(flags)).counts.done).toBe(230)
    expect((await world.settled(move.id)).counts.done).toBe(120)
    expect([world.in('INBOX').length, world.in('Archive').length]).toEqual([110, 120])
  })

  test('what is proposed is stored and shown as a diff, and changes nothing until it is applied; the rest waits on', async () => {
    const { world, before, refs, flags, move, id, chosen } = await proposed()
    expect([flags.state, move.state, move.proposal_id]).toEqual(['proposed', 'proposed', id])
    const detail = await world.proposals.get(operator, id)
    expect(detail).toMatchObject({ state: 'open', counts: { items: 2, waiting: 2, messages: 3, deletions: 0 } })
    expect(detail.words).toEqual(['Add star: 2 messages in INBOX', 'Move 1 message from INBOX to Archive'])
    expect(detail.items.map(({ can }) => can)).toEqual([
      ['apply', 'decline'],
      ['apply', 'decline'],
    ])
    const page = await world.diff.list(operator, id, { limit: 2 }, signal)
    const rest = await world.diff.list(operator, id, { limit: 2, cursor: page.next_cursor! }, signal)
    expect([page.total, rest.next_cursor]).toEqual([3, null])
    expect([...page.items, ...rest.items].map(({ subject, add, to, outcome }) => [subject, add, to, outcome])).toEqual([
      ['two', ['flagged'], null, 'will_change'],
      ['one', ['flagged'], null, 'will_change'],
      ['two', [], 'Archive', 'will_change'],
    ])
    // Repeating a request returns the same one.
    expect((await world.accept({ kind: 'flags', ids: refs, add: ['flagged'] })).id).toBe(flags.id)
    await world.restart()
    expect(folders(world)).toBe(before)
    expect(world.taken).toEqual([])
    const decision = await world.proposals.apply(operator, id, await chosen(move))
    expect(decision.results).toEqual([{ id: move.id, state: 'applied', code: null, why: null }])
    expect((await world.settled(move.id)).state).toBe('done')
    expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one'], ['two']])
    const [again] = (await world.proposals.apply(operator, id, await chosen(move))).results
    expect(again).toMatchObject({ state: 'applied', code: 'not_possible_now' })
    expect(world.in('Archive')).toEqual(['two'])
    // The flags follow the message to where it is by now.
    expect((await world.diff.list(operator, id, { limit: 9 }, signal)).items.map(({ folder }) => folder)).toEqual([
      'Archive',
      'INBOX',
    ])
    await world.proposals.apply(operator, id, await chosen(flags))
    await world.settled(flags.id)
    expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one flagged'], ['two flagged']])
    expect((await world.proposals.get(agent, id)).state).toBe('applied')
    // Operations counted for alerts about agents: once each, for the agent that proposed them.
    expect(world.taken).toEqual([
      [agent.id, 1],
      [agent.id, 2],
    ])
    expect(world.facts.filter(({ operation_id }) => operation_id === move.id).map(({ state }) => state)).toEqual([
      ...['proposed', 'pending', 'done'],
    ])
  })

  test('a decision that waited behind the end of its user is refused, and nothing is done', async () => {
    const { world, before, flags, move, id, chosen } = await proposed()
    const items = await chosen(flags, move)
    // The requests were admitted before.
    world.rules.hasDeciderEnded = true
    const refused = items.map(item => expect.objectContaining({ id: item.id, state: 'waiting', code: 'unauthorized' }))
    expect((await world.proposals.apply(operator, id, items)).results).toEqual(refused)
    expect((await world.proposals.decline(operator, id, items, 'No')).results).toEqual(refused)
    expect(folders(world)).toBe(before)
  })

  test('declined with a reason, withdrawn, expired or without its token: nothing is done, and the agent reads why', async () => {
    const { world, before, flags, move, id, chosen } = await proposed()
    await world.proposals.decline(operator, id, await chosen(flags), 'Not these.')
    const [item] = (await world.proposals.get(agent, id)).items
    expect(item).toMatchObject({ state: 'declined', decided: { name: operator.name, reason: 'Not these.' } })
    const operation = await world.service.get(agent, flags.id)
    expect([operation.state, operation.counts.waiting, operation.results[0]!.why]).toEqual([
      'declined',
      0,
      'Not these.',
    ])
    expect(await codeOf(world.undo.undoOne(agent, flags.id, false, { signal }))).toBe('cannot_undo')
    const all = { principal: agent.id, since: '2020-01-01T00:00:00.000Z', dry_run: true }
    expect((await world.undo.undoSince(agent, all, { signal })).undone).toEqual([])
    expect(await codeOf(world.proposals.withdraw(operator, id, await chosen(move)))).toBe('forbidden')
    await world.proposals.withdraw(agent, id, await chosen(move))
    expect((await world.proposals.get(agent, id)).state).toBe('declined')
    const late = await world.accept({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['seen'] })
    expect(late.proposal_id).not.toBe(id)
    world.rules.ahead = 7 * day + 1_000
    await world.sweeper.sweep()
    expect((await world.proposals.get(agent, late.proposal_id!)).state).toBe('expired')
    expect((await world.service.get(agent, late.id)).state).toBe('declined')
    const void_ = await world.accept({ kind: 'flags', ids: world.refsIn('INBOX'), add: ['x'] })
    world.rules.mayStill = false
    await world.sweeper.sweep()
    expect((await world.proposals.get(agent, void_.proposal_id!)).items[0]!.state).toBe('void')
    expect(folders(world)).toBe(before)
    world.rules.ahead = 40 * day
    await world.sweeper.forget()
    expect(await codeOf(world.proposals.get(agent, id))).toBe('proposal_not_found')
  })

  test('a yes is to what was looked at, by a user that may, and not while it is stopped', async () => {
    const { world, before, flags, move, id, chosen } = await proposed()
    const all = await chosen(flags, move)
    const apply = (principal = operator, items = all) => world.proposals.apply(principal, id, items)
    expect(await codeOf(apply(agent))).toBe('session_needed')
    expect(await codeOf(apply({ ...agent, kind: 'api_key' }))).toBe('session_needed')
    expect(await codeOf(apply(principalOf('token-other')))).toBe('proposal_not_found')
    expect(await codeOf(apply({ ...operator, accounts: new Set(['b']) }))).toBe('proposal_not_found')
    expect(await codeOf(apply(operator, [{ id: 'x'.repeat(16), hash: '0'.repeat(64) }]))).toBe('bad_request')
    const codes = async (principal = operator, items = all) =>
      (await apply(principal, items)).results.map(({ code }) => code)
    expect(await codes({ ...operator, scopes: new Set(['mail:read', 'dashboard:operate']) })).toEqual([
      ...['forbidden', 'forbidden'],
    ])
    expect(await codes({ ...operator, userId: 'bob', scopes: new Set(['mail:organize']) })).toEqual([
      ...['forbidden', 'forbidden'],
    ])
    const declined = async (principal: typeof operator) =>
      (await world.proposals.decline(principal, id, all)).results.map(({ code }) => code)
    expect(await declined({ ...operator, scopes: new Set(['mail:read', 'dashboard:operate']) })).toEqual([
      ...['forbidden', 'forbidden'],
    ])
    expect(await declined({ ...operator, userId: 'bob', scopes: new Set(['mail:organize']) })).toEqual([
      ...['forbidden', 'forbidden'],
    ])
    expect(await codeOf(declined(agent))).toBe('session_needed')
    expect(
      await codes(
        operator,
        all.map(item => ({ ...item, hash: '0'.repeat(64) })),
      ),
    ).toEqual([...['not_possible_now', 'not_possible_now']])
    world.rules.isFrozen = true
    expect(await codeOf(apply())).toBe('frozen')
    world.rules.isFrozen = false
    await world.restart()
    expect(folders(world)).toBe(before)
    // The policy acts again: what waits stays for a human.
    world.rules.mode = 'act'
    await world.sweeper.sweep()
    // The queue is down at the approval, as after a crash in between: it takes up what was applied when it starts.
    await world.stop()
    const race = await Promise.all([apply(), apply(), apply()])
    expect(race.flatMap(({ results }) => results).filter(({ code }) => code === null)).toHaveLength(2)
    expect((await world.proposals.get(agent, id)).state).toBe('applied')
    expect(folders(world)).toBe(before)
    await world.restart()
    await world.allSettled([flags, move])
    expect([world.in('INBOX'), world.in('Archive')]).toEqual([['one flagged'], ['two flagged']])
  })

  test('what another process changes while a yes is given prevents it, and what waits goes on waiting', async () => {
    const { world, before, flags, id, chosen } = await proposed()
    const items = await chosen(flags)
    const { rules } = world
    const transact = world.hub.transact.bind(world.hub)
    /** The change is committed after the service has looked, right before its transaction. */
    const applyDuring = async (change: () => void) => {
      vi.spyOn(world.hub, 'transact').mockImplementationOnce(work => {
        change()
        return transact(work)
      })
      const result = await world.proposals.apply(operator, id, items).then(
        ({ results }) => results[0]!.code,
        (error: { code: string }) => error.code,
      )
      Object.assign(rules, { isFrozen: false, mayStill: true, areSettingsUnreadable: false })
      const [item] = (await world.proposals.get(operator, id)).items
      return [result, item!.state, (await world.service.get(agent, flags.id)).state]
    }
    expect(await applyDuring(() => Object.assign(rules, { isFrozen: true }))).toEqual(['frozen', 'waiting', 'proposed'])
    for (const change of [{ mayStill: false }, { areSettingsUnreadable: true }]) {
      const refused = ['not_possible_now', 'waiting', 'proposed']
      expect(await applyDuring(() => Object.assign(rules, change))).toEqual(refused)
    }
    expect(folders(world)).toBe(before)
    expect((await world.proposals.apply(operator, id, items)).results).toMatchObject([{ state: 'applied' }])
  })

  test('a yes to what its token may no longer do ends that item', async () => {
    const { world, before, flags, move, id, chosen } = await proposed()
    world.rules.mayStill = false
    const { results } = await world.proposals.apply(operator, id, await chosen(flags))
    expect(results).toMatchObject([{ state: 'void', code: 'not_possible_now' }])
    expect((await world.service.get(agent, flags.id)).state).toBe('declined')
    expect((await world.service.get(agent, move.id)).state).toBe('proposed')
    expect(folders(world)).toBe(before)
  })

  test('a folder that is to be created first is an item of its own, and what needs it says so', async () => {
    const world = await startProposals(await open())
    world.gateway.deliver({ subject: 'one' })
    world.gateway.folders.delete('Archive')
    const move = await world.accept({
      kind: 'move',
      ids: world.refsIn('INBOX'),
      to: { role: 'archive', create: true },
    })
    const { items } = await world.proposals.get(operator, move.proposal_id!)
    const [create, moved] = items
    expect(items.map(({ operation }) => operation!.kind)).toEqual(['create_folder', 'move'])
    expect(moved!.needs_first).toEqual([create!.id])
    const apply = async (...named: (typeof items)[number][]) =>
      (
        await world.proposals.apply(
          operator,
          move.proposal_id!,
          named.map(({ id, hash }) => ({ id, hash })),
        )
      ).results
    expect(await apply(moved!)).toMatchObject([{ state: 'waiting', code: 'not_possible_now' }])
    expect(await apply(moved!, create!)).toMatchObject([{ state: 'applied' }, { state: 'applied' }])
    await world.settled(move.id)
    expect(world.in('Archive')).toEqual(['one'])
  })

  test('what needs an item that was declined ends with it, also when the server crashed in between', async () => {
    const world = await startProposals(await open())
    world.gateway.deliver({ subject: 'one' })
    world.gateway.folders.delete('Archive')
    const to = { role: 'archive', create: true } as const
    const move = await world.accept({ kind: 'move', ids: world.refsIn('INBOX'), to })
    const items = async () => (await world.proposals.get(operator, move.proposal_id!)).items
    const [create] = await items()
    // All that the first of the two transactions leaves.
    await world.db.updateTable('proposal_items').set({ state: 'declined' }).where('id', '=', create!.id).execute()
    await world.sweeper.sweep()
    expect((await items()).map(({ state, why }) => [state, why])).toEqual([
      ['declined', null],
      ['void', 'It depends on an item that was not applied: Create the folder Archive.'],
    ])
    expect((await world.service.get(agent, move.id)).state).toBe('declined')
  })

  test.each([
    ['approved', 'applied', null],
    ['denied', 'declined', 'Not now.'],
    ['expired', 'expired', 'Nobody approved it in time.'],
    ['cancelled', 'withdrawn', 'The message was cancelled.'],
    ['waiting', 'waiting', null],
  ] as const)('a message whose approval is %s ends as %s, also when the server crashed in between', async (...ends) => {
    const [state, expected, why] = ends
    const { world, id, move } = await proposed()
    const item = async () => (await world.proposalStore.items([id])).find(({ id: itemId }) => itemId === move.id)!
    const { hash } = await item()
    const isDecided = state === 'approved' || state === 'denied'
    const decision = { decision: state, user_id: 'ann', name: 'Ann', at: '2026-11-29T00:00:00.000Z', reason: why }
    const decisions = JSON.stringify(isDecided ? [decision] : [])
    const approval = { state, hash, proposal_id: id, decisions } as ApprovalRow
    const look = ItemKinds.prototype.look
    vi.spyOn(ItemKinds.prototype, 'look').mockImplementation(async function (this: ItemKinds, items) {
      const known = await look.call(this, items)
      const own = known.get(move.id)
      return own ? known.set(move.id, { ...own, approval }) : known
    })
    const approvalOf = vi.spyOn(ItemKinds.prototype, 'approvalOf').mockImplementation(async () => approval)
    vi.spyOn(ItemKinds.prototype, 'wordsOf').mockImplementation(async () => 'Edited words')
    await world.sweeper.sweep()
    expect(approvalOf).toHaveBeenCalledTimes(state === 'waiting' ? 0 : 1)
    expect(await item()).toMatchObject({ state: expected, why, hash })
    expect(JSON.parse((await item()).decided ?? 'null')).toEqual(
      isDecided ? expect.objectContaining({ name: 'Ann' }) : null,
    )
    if (state !== 'waiting') return
    approval.hash = 'edited'
    await world.sweeper.sweep()
    expect(await item()).toMatchObject({ state: 'waiting', hash: 'edited', words: 'Edited words' })
  })

  test('what needs an item ends at once when that is declined or withdrawn', async () => {
    const world = await startProposals(await open())
    world.gateway.deliver({ subject: 'one' })
    world.gateway.folders.delete('Archive')
    const to = { role: 'archive', create: true } as const
    for (const end of ['decline', 'withdraw'] as const) {
      const move = await world.accept({ kind: 'move', ids: world.refsIn('INBOX'), to })
      const proposalId = move.proposal_id!
      const [create] = (await world.proposals.get(operator, proposalId)).items
      const chosen = [{ id: create!.id, hash: create!.hash }]
      await world.proposals[end](end === 'decline' ? operator : agent, proposalId, chosen)
      const { items } = await world.proposals.get(operator, proposalId)
      expect(items.map(({ state }) => state)).toEqual([end === 'decline' ? 'declined' : 'withdrawn', 'void'])
      expect((await world.service.get(agent, move.id)).state).toBe('declined')
    }
  })

  test('a proposal holds so many items and a token so many proposals; what was gone is said to be', async () => {
    const world = await startProposals(await open(), { items: 2, open: 2 })
    world.gateway.deliver({ subject: 'one' })
    const ids = world.refsIn('INBOX')
    const flag = (add: string) => world.accept({ kind: 'flags', ids, add: [add] })
    const taken = [await flag('a'), await flag('b'), await flag('c'), await flag('d')]
    expect(new Set(taken.map(({ proposal_id }) => proposal_id)).size).toBe(2)
    expect(await codeOf(flag('e'))).toBe('too_many_operations')
    const { items, open: count } = await world.proposals.list(agent, { limit: 1 })
    expect([items.length, count]).toEqual([1, 2])
    world.gateway.getFolder('INBOX').messages.length = 0
    const { items: changes } = await world.diff.list(agent, taken[0]!.proposal_id!, { limit: 9 }, signal)
    expect(changes.map(({ outcome, folder }) => [outcome, folder])).toEqual([
      ['gone', null],
      ['gone', null],
    ])
  })
})
