/**
 * Two processes on one database, one of which ignores the other's events: what is stopped, narrowed or set in one
 * applies to what the other is about to send, approve or change.
 */
import { expect, onTestFinished, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startOperations } from '../../test/support/operation-world.ts'
import { agent, ann, startSending } from '../../test/support/send-world.ts'
import { controlOf } from '../acting-control.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { OrganizingJudge } from '../policies/organizing-judge.ts'
import { PolicyRates } from '../policies/policy-rates.ts'
import { PolicyService } from '../policies/policy-service.ts'
import { PolicyStore } from '../policies/policy-store.ts'
import { ProposalBook, type ProposalBookOptions } from '../proposals/proposal-book.ts'
import { ProposalIds } from '../proposals/proposal-id.ts'
import { ProposalStore } from '../proposals/proposal-store.ts'
import { UserStore } from '../users/user-store.ts'

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )
const body = { format: 'text', content: 'x' } as const
const to = ['anne@example.com']
const approval = { always: false, strangers: false, tainted_minutes: null }
const free: TokenPolicy = { ...defaultPolicy, sending: { ...defaultPolicy.sending, approval } }
const tokenId = agent.id.replace(/^token-/, '')

async function storeToken(db: Database): Promise<void> {
  await new UserStore(db).insert(aUser({ id: 'ann' }))
  const token = { id: tokenId, token_hash: 'x', prefix: 'x', user_id: 'ann', name: 'Agent', scopes: '[]' }
  const none = {
    accounts: '[]',
    allowed_addresses: '[]',
    expires_at: null,
    last_used_at: null,
    last_used_address: null,
  }
  await db
    .insertInto('api_tokens')
    .values({ ...token, ...none, created_at: '' })
    .execute()
}

/** A policy service of each process; that of the deaf one follows nothing. */
async function policiesOn(db: Database) {
  const store = new PolicyStore(db)
  const policies = new PolicyService({
    ...{ store, rates: new PolicyRates(store, Date.now), now: Date.now, logger: createLogger('silent') },
    hub: { transact: () => Promise.reject(new Error('not here')), listen: () => () => undefined },
    ownerOf: async () => ({ user_id: 'ann', name: 'Agent' }),
    findCaller: async principal => principal,
  })
  await policies.start()
  onTestFinished(() => policies.stop())
  const set = (policy: TokenPolicy | string) => {
    const text = typeof policy === 'string' ? policy : JSON.stringify(policy)
    const row = { token_id: tokenId, policy: text, changed_at: new Date().toISOString(), changed_by: 'ann' }
    return db.transaction().execute(transaction => store.save(transaction, row))
  }
  return { policies, set }
}

onEachDatabase(open => {
  test('a freeze in one stops what the other sends, delivers, approves and changes, before it hears of it', async () => {
    const db = await open()
    const a = await startSending({ db, hasQueue: false })
    const b = await startSending({ db, isDeaf: true })
    b.rules.policy = free
    const draft = await b.create({ to, body })
    const held = await b.create({ to, body })
    b.rules.policy = defaultPolicy
    const waiting = await b.send(held)
    b.rules.policy = free
    // It is on its way, and not complete yet.
    const onWay = await b.create({ to, body })
    let freezeId = ''
    b.senders.server = {
      before: async () => {
        freezeId = (await a.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })).id
      },
    }
    const { id } = await b.send(onWay)
    await expect.poll(async () => [freezeId !== '', await b.stateOf(id)]).toEqual([true, 'queued'])
    expect(b.freezes.isFrozen(agent, 'a')).toBe(false)
    expect(b.senders.taken).toEqual([])
    expect(await codeOf(b.send(draft))).toBe('frozen')
    const { id: approvalId, hash } = await b.approvalOf(waiting.id)
    expect(await codeOf(b.approvals.approve(ann, approvalId, hash))).toBe('frozen')
    const control = controlOf({
      freezes: b.freezes,
      organizing: { admit: async () => undefined },
      foldersOf: async () => [],
      foldersNow: async () => [],
    })
    const operation = { id: 'o', account_id: 'a', principal_kind: 'token', principal_id: agent.id } as const
    expect(await control.isHeld({ ...operation, user_id: null, undo_of: null })).toBe(true)
    const asked = { kind: 'flags', undoOf: undefined, messages: [] } as const
    expect(await codeOf(control.mayChange(agent, 'a', asked))).toBe('frozen')
    b.senders.server = {}
    await a.freezes.lift(ann, freezeId)
    b.queue.lookAgain()
    await expect.poll(() => b.stateOf(id)).toBe('sent')
    expect(await codeOf(b.send(draft))).toBe('ok')
  })

  test('a policy that one has set is the one by which the other judges, and one that cannot be read allows nothing', async () => {
    const db = await open()
    const world = await startSending({ db })
    await storeToken(db)
    const [a, b] = [await policiesOn(db), await policiesOn(db)]
    world.usePolicies(b.policies)
    await a.set(free)
    const send = async () => codeOf(world.send(await world.create({ to, body })))
    expect([b.policies.policyOf(agent), await send()]).toEqual([defaultPolicy, 'ok'])
    await expect.poll(() => world.senders.taken.length).toBe(1)
    const organizing = new OrganizingJudge({
      read: principal => b.policies.read(principal),
      rates: world.rates,
      db,
    })
    const change = () =>
      codeOf(organizing.admit(agent, { isDeletion: false, messages: 1, folders: ['INBOX'], isRename: false }))
    expect(await change()).toBe('ok')
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const later = await world.send(await world.create({ to, body }), agent, { at })
    await a.set({
      ...free,
      sending: { ...free.sending, recipients: [] },
      organizing: { ...free.organizing, folders: [] },
    })
    expect([await send(), await change()]).toEqual(['policy_denied', 'policy_denied'])
    for (const broken of ['{"mode":', JSON.stringify({ ...free, of_a_later_version: true })]) {
      await a.set(broken)
      expect([await send(), await change()]).toEqual(['policy_denied', 'policy_denied'])
      // It waits until a user sets it again.
      expect(await world.leaving.rulesIn()((await world.outbox.find(later.id))!)).toEqual({ verdict: 'stopped' })
      // A server starts with it all the same.
      const { policies } = await policiesOn(db)
      const { policy, words } = await policies.get({ ...ann, scopes: new Set(['dashboard:admin']) }, tokenId)
      expect([policy.sending.recipients, words[0]]).toEqual([[], expect.stringContaining('cannot be read')])
    }
    await a.set(free)
    world.clock.ahead = 2 * 3_600_000
    world.queue.lookAgain()
    await expect.poll(() => world.stateOf(later.id)).toBe('sent')
  })

  test('a token that one lets only propose changes, writes and sends nothing in the other, however late that hears of it', async () => {
    const db = await open()
    await storeToken(db)
    const [a, b] = [await policiesOn(db), await policiesOn(db)]
    const propose = { ...free, mode: 'propose' as const }
    /** The moments at which the other process changes something. */
    const hooks = { looked: async (): Promise<unknown> => undefined, admitted: async (): Promise<unknown> => undefined }
    const modeOf: ProposalBookOptions['modeOf'] = async (principal, at) => {
      const mode = (await b.policies.read(principal, at))?.policy.mode
      if (!at) await hooks.looked()
      return mode
    }
    const store = new ProposalStore(db)
    const intake = new ProposalBook({ store, ids: new ProposalIds(), modeOf })
    const world = await startSending({ db, intake })
    world.usePolicies(b.policies)
    const organizing = new OrganizingJudge({ read: (...asked) => b.policies.read(...asked), rates: world.rates, db })
    const control = controlOf({
      freezes: world.freezes,
      organizing,
      foldersOf: async () => [],
      foldersNow: async () => [],
    })
    const changing = await startOperations({
      ...{ db, intake },
      mayChange: async (...asked) => {
        const still = await control.mayChange(...asked)
        await hooks.admitted()
        return still
      },
    })
    changing.gateway.deliver({ subject: 'one' })
    const ids = changing.refsIn('INBOX')
    const change = async (flag: string) => changing.accept({ kind: 'flags', ids, add: [flag] })
    const flags = () => changing.gateway.getFolder('INBOX').messages.flatMap(message => message.keywords)
    await a.set(free)
    await changing.settled((await change('first')).id)
    const copied = await world.create({ to, body })
    expect([flags(), copied.proposal_id]).toEqual([['first'], null])

    // Between the moment in which it is let pass and the one in which it is stored.
    hooks.admitted = () => a.set(propose)
    const late = await change('second')
    expect([late.state, late.proposal_id]).toEqual(['proposed', expect.any(String)])
    await a.set(free)
    hooks.admitted = async () => undefined
    hooks.looked = () => a.set(propose)
    expect((await change('third')).proposal_id).toBe(late.proposal_id)
    hooks.looked = async () => undefined
    expect(b.policies.policyOf(agent)?.mode).toBe('act')
    expect((await world.create({ to, body })).proposal_id).toBe(late.proposal_id)
    expect(await codeOf(world.drafts.discard(agent, 'a', copied.id))).toBe('policy_denied')
    const held = await world.send(copied)
    expect([held.state, (await world.approvalOf(held.id)).proposal_id]).toEqual(['held', late.proposal_id])

    // What is narrowed or stopped then is not done either.
    await a.set(free)
    hooks.admitted = () => a.set({ ...free, organizing: { ...free.organizing, folders: ['Elsewhere'] } })
    expect(await codeOf(change('fourth'))).toBe('policy_denied')
    await a.set(free)
    hooks.admitted = () => a.set({ ...free, organizing: { ...free.organizing, max_per_hour: 1 } })
    expect(await codeOf(change('fourth'))).toBe('policy_denied')
    await a.set(free)
    hooks.admitted = () => a.set('{')
    expect(await codeOf(change('fourth'))).toBe('policy_denied')
    await a.set(free)
    const other = await startSending({ db, hasQueue: false })
    hooks.admitted = () => other.freezes.freeze(ann, { principal: agent.id, reads: 'allow' })
    expect(await codeOf(change('fourth'))).toBe('frozen')
    hooks.admitted = async () => undefined
    await changing.restart()
    expect(await changing.store.findNext('a')).toBeUndefined()
    expect([flags(), world.senders.taken]).toEqual([['first'], []])
  })
})
