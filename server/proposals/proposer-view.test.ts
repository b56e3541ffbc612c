/** What users are notified of: each proposal once, with the messages in it, and only where they may apply something of it. */
import { expect, test } from 'vitest'
import { defaultApprovalSettings } from '../../contract/approvals.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { agent, operator } from '../../test/support/operation-world.ts'
import { startProposals } from '../../test/support/proposal-world.ts'
import { startSending } from '../../test/support/send-world.ts'
import { ApproverView } from '../approvals/approver-view.ts'
import { ProposalBook } from './proposal-book.ts'
import { ProposalIds } from './proposal-id.ts'
import { ProposalStore } from './proposal-store.ts'
import { ProposerView } from './proposer-view.ts'

const settings = { read: async () => ({ ...defaultApprovalSettings, is_unreadable: false }) }

onEachDatabase(open => {
  test('proposals with a change or a draft that waits, for users who may apply it', async () => {
    const world = await startProposals(await open())
    const rules = { ...defaultApprovalSettings, is_unreadable: false }
    const view = new ProposerView({ db: world.db, settings: { read: async () => rules } })
    world.gateway.deliver({ subject: 'one' })
    const began = new Date().toISOString()
    const ids = world.refsIn('INBOX')
    const owned = { ...agent, userId: 'ann' }
    const { proposal_id: id } = await world.accept({ kind: 'flags', ids, add: ['flagged'] }, owned)
    const waiting = async (user = operator) => (await view.waitingFor(user)).map(each => each.id)
    expect([await view.openOf([id!, 'p0']), await view.openOf([]), await view.openSince(began)]).toEqual([
      [id],
      [],
      [id],
    ])
    expect(await view.openSince('2099-01-01T00:00:00.000Z')).toEqual([])
    expect(await waiting()).toEqual([id])
    expect(await waiting({ ...operator, accounts: new Set(['b']) })).toEqual([])
    expect(await waiting({ ...operator, scopes: new Set(['dashboard:operate', 'mail:read']) })).toEqual([])
    rules.own_tokens = false
    expect([await waiting(), await waiting({ ...operator, userId: 'ben' })]).toEqual([[], [id]])
    Object.assign(rules, { own_tokens: true, is_unreadable: true })
    expect(await waiting()).toEqual([])
    rules.is_unreadable = false
    const { items } = await world.proposals.get(operator, id!)
    await world.proposals.decline(operator, id!, items)
    expect([await view.openOf([id!]), await waiting()]).toEqual([[], []])
  })

  test('a message of a proposal is in the group of that, and others in their own', async () => {
    const db = await open()
    let mode: 'act' | 'propose' = 'propose'
    const intake = new ProposalBook({ store: new ProposalStore(db), ids: new ProposalIds(), modeOf: async () => mode })
    const world = await startSending({ db, intake, hasQueue: false })
    const view = new ApproverView({ db, settings })
    const ask = async () => {
      const draft = await world.create({ to: ['anne@example.com'], body: { format: 'text', content: 'x' } })
      return world.approvalOf((await world.send(draft)).id)
    }
    const [one, two] = [await ask(), await ask()]
    mode = 'act'
    const alone = await ask()
    expect(one.proposal_id).not.toBeNull()
    expect(await view.groupsOf([one.id, two.id])).toEqual([one.proposal_id])
    const groups = [one.proposal_id!, alone.group_key].sort()
    expect((await view.groupsOf([one.id, alone.id])).sort()).toEqual(groups)
    expect((await view.groupsSince(one.created_at)).sort()).toEqual(groups)
    const user = { ...operator, accounts: 'all' as const }
    const of = async (group: string) => (await view.waitingFor(user, [group])).items.map(({ id }) => id)
    expect([await of(one.proposal_id!), await of(alone.group_key)]).toEqual([[one.id, two.id], [alone.id]])
    expect((await view.waitingFor(user, ['none'])).all).toHaveLength(3)
  })
})
