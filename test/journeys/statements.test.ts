/** The number of database statements per request: counted in the running server, so that it does not creep up. */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { ProposalDetail } from '../../contract/proposals.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { CountedDatabase } from '../support/counted-database.ts'
import { runApp } from '../support/people.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Statements that advance the trail's head and append an entry. */
const ofTrail = ['update audit_chain', 'insert audit_entries']

async function start(more: { gateway?: MemoryGateway } = {}) {
  const dir = tempDir('statements')
  const { openDatabase, statements } = new CountedDatabase(`sqlite:${dir.path}/test.db`)
  const { stop, ...running } = await runApp({ overrides: { openDatabase, ...more } })
  onTestFinished(async () => {
    await stop()
    dir.remove()
  })
  return { ...running, asked: statements }
}

test('a sign-in reads its user once, and opens the session in one transaction', async () => {
  const { app, asked } = await start()
  const { email, password } = administrator
  asked.length = 0
  // The response is sent once the trail has the entry.
  const answer = await fetch(app.address + api.access.openSession.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  expect(answer.status).toBe(201)
  const ofAccess = ['select users', 'delete sessions', 'update users', 'insert sessions', 'delete sessions']
  expect(asked).toEqual([...ofAccess, ...ofTrail])
})

test('a token is made by one look at its owner and one row, and is known and shown without another look', async () => {
  const { people, asked } = await start()
  asked.length = 0
  const wanted = { name: 'bot', scopes: ['dashboard:read'], accounts: [] }
  const { token } = await people.tell<{ token: string }>(people.admin, 'POST', api.tokens.createToken.path, wanted)
  expect(asked).toEqual(['select users', 'insert api_tokens', ...ofTrail])
  asked.length = 0
  await people.tell({ authorization: `Bearer ${token}` }, 'GET', api.metrics.getStats.path)
  expect(asked.filter(statement => statement.startsWith('select'))).toEqual([])
})

/**
 * Statements that read parts of a proposal. Others run concurrently: the mailbox is compared, and accounts are polled.
 */
const ofProposals = [
  ...['proposals', 'proposal_items', 'operations', 'operation_items', 'drafts', 'draft_attachments', 'draft_copies'],
  ...['approvals', 'submissions', 'policy_uses'],
].map(table => `select ${table}`)

test('a proposal of many items is read by as many statements as one of few, and so are its list and a look at it again', async () => {
  const gateway = new MemoryGateway()
  const { people, asked } = await start({ gateway })
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port: 1, tls: 'none', user: 'me', password: 'secret' }
  const input = { name: 'ann', email: 'ann@example.org', imap, smtp }
  const create = `${api.accounts.createAccount.path}?verify=false`
  // Before the account: its first list may come from an index that was compared by then.
  gateway.deliver({ subject: 'lunch' })
  const { id: account } = await people.tell<Account>(people.admin, 'POST', create, input)
  const token = await people.token(['mail:organize', 'mail:send'], [account])
  const policy = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
  await people.tell(people.admin, 'PUT', policy, { ...defaultPolicy, mode: 'propose' })
  const at = `/api/v1/accounts/${account}`
  const { items } = await people.tell<{ items: { ref: string }[] }>(token.proof, 'GET', `${at}/messages?folder=INBOX`)
  const ids = items.map(({ ref }) => ref)
  const write = (subject: string) =>
    people.tell<Draft>(token.proof, 'POST', `${at}/drafts`, {
      ...{ mode: 'new', to: ['cy@there.test'], subject, body: { format: 'text', content: 'x' } },
    })
  const propose = async (name: string) => {
    const { proposal_id: id } = await write(name)
    await people.tell(token.proof, 'POST', `${at}/messages/actions`, { ids, add: [name] })
    const { id: draft, rev } = await write(`${name} too`)
    await people.tell(token.proof, 'POST', `${at}/drafts/${draft}/send`, { rev })
    return id!
  }
  const base = api.proposals.listProposals.path
  const selectsOf = async (path: string, proof = people.admin) => {
    asked.length = 0
    const text = JSON.stringify(await people.tell(proof, 'GET', path))
    return { text, selects: asked.filter(statement => ofProposals.includes(statement)).sort() }
  }
  const id = await propose('one')
  const few = [await selectsOf(`${base}/${id}`), await selectsOf(`${base}/${id}`, token.proof), await selectsOf(base)]
  for (const name of ['two', 'three', 'four', 'five']) expect(await propose(name)).toBe(id)
  const many = [await selectsOf(`${base}/${id}`), await selectsOf(`${base}/${id}`, token.proof), await selectsOf(base)]
  expect((JSON.parse(many[0]!.text) as ProposalDetail).items).toHaveLength(15)
  expect(many.map(({ selects }) => selects)).toEqual(few.map(({ selects }) => selects))
  const tables = ['operations', 'drafts', 'approvals', 'submissions', 'proposal_items']
  const counts = tables.map(table => many[0]!.selects.filter(statement => statement === `select ${table}`).length)
  // The second statement on submissions counts the token's last hour.
  expect(counts).toEqual([1, 1, 1, 2, 1])
})
