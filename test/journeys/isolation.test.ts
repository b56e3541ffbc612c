/** Whatever anybody may do and asks for, nothing that comes back tells of an account that is not theirs to see. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Role } from '../../contract/access.ts'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { messageHtmlPath } from '../../contract/mail.ts'
import { type Scope, scopes } from '../../contract/scope.ts'
import { MemoryGateway } from '../../server/mail/adapters/memory-gateway.ts'
import type { MailGateway } from '../../server/mail/mail-gateway.ts'
import { Problem } from '../../server/platform/problem.ts'
import { type OpenStream, openStream } from '../support/open-stream.ts'
import { type People, type Proof, runApp } from '../support/people.ts'

/** A mailbox of its own; every word of it says whose it is. */
interface Mailbox {
  id: string
  mark: string
  ref: string
  account: Account
}

/** Somebody whose rights change from run to run. */
interface Actor {
  proof: Proof
  change(rights: Rights): Promise<void>
  rights: Rights
}

interface Rights {
  role: Role
  scopes: Scope[]
  sees: number[]
}

interface Asked {
  method: string
  path: string
  body?: object
}

const count = 5
/** By the name of the server; one that is not here does not answer. */
const servers = new Map<string, MemoryGateway>()
const gateway: MailGateway = {
  connect: async (login, options) => {
    const server = servers.get(login.host)
    if (server) return server.connect(login, options)
    throw new Problem('mail_server_unreachable', `Nothing answers at ${login.host}.`, {
      fault: 'refused',
      part: 'imap',
    })
  },
}

const mailboxes: Mailbox[] = []
const actors: Actor[] = []
let people: People
let mark = 0

/** Small letters and digits only, so that no part of the program writes it in another way. */
const newMark = () => `hidden${(mark++).toString(36)}x${randomBytes(4).toString('hex')}`
const fill = (path: string, values: Record<string, string>) =>
  path.replace(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? 'none')
const accountPath = (id: string) => fill(api.accounts.getAccount.path, { account_id: id })

async function connect(word: string, isReady: boolean): Promise<Account> {
  const host = `mail.${word}.example`
  if (isReady) servers.set(host, new MemoryGateway())
  const imap = { host, port: 993, tls: 'implicit', user: word, password: 'secret' }
  const body = { name: `Mail of ${word}`, email: `ann@${word}.example`, imap }
  return people.tell<Account>(people.admin, 'POST', `${api.accounts.createAccount.path}?verify=false`, body)
}

async function addMailbox(index: number): Promise<void> {
  const word = newMark()
  // One of them stays unreachable.
  const account = await connect(word, index > 0)
  const { id } = account
  let ref = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  if (index > 0) {
    servers.get(account.imap.host)!.deliver({ subject: `About ${word}`, text: word, html: `<p>${word}</p>` })
    const list = fill(api.mail.listMessages.path, { account_id: id })
    ref = (await people.tell<{ items: { ref: string }[] }>(people.admin, 'GET', list)).items[0]!.ref
  }
  mailboxes.push({ id, mark: word, ref, account })
}

const namesOf = (sees: number[]) => sees.map(index => mailboxes[index]!.id)

async function addPerson(): Promise<void> {
  const { userId, proof } = await people.invite('viewer', [])
  const path = fill(api.users.changeUser.path, { user_id: userId })
  const change = ({ role, sees }: Rights) =>
    people.tell<void>(people.admin, 'PATCH', path, { role, accounts: namesOf(sees) })
  actors.push({ proof, change, rights: { role: 'viewer', scopes: [], sees: [] } })
}

async function addToken(): Promise<void> {
  const { id, proof } = await people.token(['mail:meta'])
  const path = fill(api.tokens.changeToken.path, { token_id: id })
  const change = (rights: Rights) =>
    people.tell<void>(people.admin, 'PATCH', path, { scopes: rights.scopes, accounts: namesOf(rights.sees) })
  actors.push({ proof, change, rights: { role: 'viewer', scopes: [], sees: [] } })
}

beforeAll(async () => {
  const running = await runApp({ overrides: { gateway, heartbeatSeconds: 0.05 } })
  people = running.people
  for (let index = 0; index < count; index++) await addMailbox(index)
  for (let number = 0; number < 3; number++) {
    await addPerson()
    await addToken()
  }
  return running.stop
})

/** What may be asked with the id of an account, of whichever; equal answers are wanted for hidden ones and for none. */
const about: Record<string, (id: string, ref: string) => Asked> = {
  getAccount: id => ({ method: 'GET', path: accountPath(id) }),
  headAccount: id => ({ method: 'HEAD', path: accountPath(id) }),
  updateAccount: id => ({ method: 'PATCH', path: accountPath(id), body: { enabled: true } }),
  updateBadly: id => ({ method: 'PATCH', path: accountPath(id), body: { enabled: 'yes' } }),
  verifyAccount: id => ({ method: 'POST', path: `${accountPath(id)}/verify` }),
  listFolders: id => ({ method: 'GET', path: fill(api.mail.listFolders.path, { account_id: id }) }),
  listMessages: id => ({ method: 'GET', path: fill(api.mail.listMessages.path, { account_id: id }) }),
  listBadly: id => ({ method: 'GET', path: `${fill(api.mail.listMessages.path, { account_id: id })}?cursor=none` }),
  getMessage: (id, ref) => ({ method: 'GET', path: fill(api.mail.getMessage.path, { account_id: id, ref }) }),
  getMessageHtml: (id, ref) => ({ method: 'GET', path: fill(messageHtmlPath, { account_id: id, ref }) }),
  createToken: id => ({
    method: 'POST',
    path: api.tokens.createToken.path,
    body: { name: 'mine', scopes: ['dashboard:read'], accounts: [id] },
  }),
  inviteUser: id => ({
    method: 'POST',
    path: api.users.inviteUser.path,
    body: { email: 'eve@example.com', name: 'Eve', role: 'viewer', accounts: [id] },
  }),
}
/** Only of what one may not see: it would be gone. */
const deleteAccount = (id: string): Asked => ({ method: 'DELETE', path: accountPath(id) })

const get = (path: string): Asked => ({ method: 'GET', path })
const general: Record<string, Asked> = {
  listAccounts: get(api.accounts.listAccounts.path),
  getSession: get(api.access.getSession.path),
  listSessions: get(api.access.listSessions.path),
  listProviders: get(api.assistant.listProviders.path),
  listClients: get(api.clients.listClients.path),
  getStreamHealth: get(api.events.getStreamHealth.path),
  listFacts: get(`${api.events.listFacts.path}?limit=100`),
  getStats: get(api.metrics.getStats.path),
  listSamples: get(api.metrics.listSamples.path),
  getConfig: get(api.settings.getConfig.path),
  ready: get(api.system.ready.path),
  listTokens: get(api.tokens.listTokens.path),
  listUsers: get(api.users.listUsers.path),
  listAudit: get(api.audit.listAudit.path),
  metrics: get('/metrics'),
  openapi: get('/openapi.json'),
  exportAudit: get('/api/dashboard/audit/export?format=csv'),
}

/** What an administrator does meanwhile. */
const deeds: Record<string, (index: number) => Promise<unknown>> = {
  rename: index => {
    const { id, mark: word } = mailboxes[index]!
    return people.tell(people.admin, 'PATCH', accountPath(id), { name: `Mail ${mark++} of ${word}` })
  },
  disable: async index => {
    const { id } = mailboxes[index]!
    await people.tell(people.admin, 'PATCH', accountPath(id), { enabled: false })
    await people.tell(people.admin, 'PATCH', accountPath(id), { enabled: true })
  },
  makeDefault: index => people.tell(people.admin, 'PATCH', accountPath(mailboxes[index]!.id), { is_default: true }),
  deliver: async index =>
    servers.get(mailboxes[index]!.account.imap.host)?.deliver({ subject: mailboxes[index]!.mark }),
  cut: async index => servers.get(mailboxes[index]!.account.imap.host)?.cut(),
  comeAndGo: async () => {
    const { id } = await connect(newMark(), false)
    await people.tell(people.admin, 'DELETE', accountPath(id))
  },
}

/** The marks and ids of all that ever was, but for what one may see; undefined for administrators, who see all of it. */
function hiddenFrom({ rights: { role, sees } }: Actor): RegExp | undefined {
  if (role === 'administrator') return undefined
  const shown = sees.map(index => mailboxes[index]!)
  const ids = mailboxes.filter(mailbox => !shown.includes(mailbox)).map(({ id }) => id)
  const marks = shown.map(({ mark: word }) => word.replace('hidden', ''))
  const others = marks.length === 0 ? 'hidden' : `hidden(?!(?:${marks.join('|')})\\b)`
  return new RegExp([others, ...ids].join('|'))
}

const told = new Set<string>()

/** Fails when something hidden is told; remembers what was told of what may be seen. */
function look(actor: Actor, name: string, text: string, except = ''): void {
  const said = except === '' ? text : text.replaceAll(except, '')
  expect([name, hiddenFrom(actor)?.exec(said)?.[0]]).toEqual([name, undefined])
  if (/hidden\w+x[0-9a-f]{8}/.test(said)) told.add(name)
}

/** Without what differs from answer to answer anyway. */
function plain({ status, headers, text }: Awaited<ReturnType<People['ask']>>, id: string): object {
  const kept = [...headers].filter(([name]) => !/^(date|x-request-id|ratelimit|content-length)$/.test(name))
  return { status, headers: kept, text: text.replaceAll(id, '<id>').replace(/"instance":"[^"]*"/, '') }
}

async function askAbout(actor: Actor, name: string, ask: (id: string, ref: string) => Asked, index: number) {
  const { id, ref } = mailboxes[index]!
  const { method, path, body } = ask(id, ref)
  const answer = await people.ask(actor.proof, method, path, body)
  // What was sent along may be said again.
  look(actor, name, answer.text, id)
  if (actor.rights.role === 'administrator' || actor.rights.sees.includes(index)) return
  const other = randomBytes(8).toString('hex')
  const none = ask(other, ref)
  expect([name, plain(await people.ask(actor.proof, none.method, none.path, none.body), other)]).toEqual([
    name,
    plain(answer, id),
  ])
}

const sees = fc.subarray(Array.from({ length: count }, (_, index) => index))
const rights: fc.Arbitrary<Rights> = fc.record({
  // Administrators see everything: they are the rarer ones.
  role: fc.constantFrom<Role>('viewer', 'viewer', 'operator', 'operator', 'operator', 'administrator'),
  scopes: fc.subarray([...scopes], { minLength: 1 }),
  sees,
})
const step = fc.oneof(
  fc.record({ deed: fc.constantFrom(...Object.keys(deeds)), on: fc.nat(count - 1) }),
  fc.record({ about: fc.constantFrom(...Object.keys(about), 'deleteAccount'), by: fc.nat(5), on: fc.nat(count - 1) }),
  fc.record({ ask: fc.constantFrom(...Object.keys(general)), by: fc.nat(5) }),
  fc.record({ change: rights, by: fc.nat(5) }),
)

class Listening {
  readonly #streams = new Map<Actor, OpenStream>()
  readonly #begin: string

  constructor(begin: string) {
    this.#begin = begin
  }

  /** From the beginning of the run, with what they may see now. */
  async open(actor: Actor): Promise<void> {
    const url = `${people.url}${api.events.streamEvents.path}?last_event_id=${this.#begin}`
    this.#streams.set(actor, await openStream(url, actor.proof))
  }

  /** To be called before rights change: what was sent until now is of before. */
  async close(actor: Actor): Promise<void> {
    const stream = this.#streams.get(actor)
    if (!stream) return
    this.#streams.delete(actor)
    // All that has happened is sent before the next heartbeat.
    const beats = () => stream.events.filter(({ event }) => event === 'heartbeat').length
    const before = beats()
    await expect.poll(beats, { timeout: 10_000, interval: 10 }).toBeGreaterThan(before + 1)
    stream.close()
    for (const { event, data } of stream.events) look(actor, event, JSON.stringify(data))
  }
}

async function listIds(actor: Actor): Promise<string[] | undefined> {
  const { status, text } = await people.ask(actor.proof, 'GET', api.accounts.listAccounts.path)
  if (status === 403) return undefined
  return (JSON.parse(text) as { items: Account[] }).items.map(({ id }) => id).sort()
}

test('nobody hears of an account outside their list, whatever they ask and whatever happens', async () => {
  const property = fc.asyncProperty(
    fc.array(rights, { minLength: 6, maxLength: 6 }),
    fc.array(step, { minLength: 10, maxLength: 30 }),
    async (given, steps) => {
      const { log } = await people.tell<{ log: { epoch: string; newest: number } }>(
        people.admin,
        'GET',
        api.events.getStreamHealth.path,
      )
      const listening = new Listening(`${log.epoch}-${log.newest}`)
      const change = async (actor: Actor, wanted: Rights) => {
        await listening.close(actor)
        // A token is not an administrator by role.
        const role = actor.proof.authorization ? 'viewer' : wanted.role
        await actor.change({ ...wanted, role })
        actor.rights = { ...wanted, role }
        await listening.open(actor)
      }
      await Promise.all(actors.map((actor, index) => change(actor, given[index]!)))
      for (const one of steps) {
        if ('deed' in one) await deeds[one.deed]!(one.on)
        else if ('change' in one) await change(actors[one.by]!, one.change)
        else if ('ask' in one) {
          const { method, path } = general[one.ask]!
          const { text } = await people.ask(actors[one.by]!.proof, method, path)
          // The trail is the administrators' own: it names accounts by their ids, and by nothing else.
          look(actors[one.by]!, one.ask, /udit/.test(one.ask) ? text.replaceAll(/\b[0-9a-f]{16}\b/g, '') : text)
        } else if (one.about !== 'deleteAccount') {
          await askAbout(actors[one.by]!, one.about, about[one.about]!, one.on)
        } else if (actors[one.by]!.rights.role !== 'administrator' && !actors[one.by]!.rights.sees.includes(one.on)) {
          await askAbout(actors[one.by]!, 'deleteAccount', deleteAccount, one.on)
        }
      }
      for (const actor of actors) {
        const ids = await listIds(actor)
        const all = mailboxes.map((_mailbox, index) => index)
        const wanted = namesOf(actor.rights.role === 'administrator' ? all : actor.rights.sees).sort()
        if (ids) expect(ids).toEqual(wanted)
      }
      await Promise.all(actors.map(actor => listening.close(actor)))
    },
  )
  // First a run in which something is told of what may be seen: it would have been noticed.
  const seeing: Rights = { role: 'operator', scopes: ['dashboard:operate', 'mail:read'], sees: [1] }
  const plainly = [
    { deed: 'rename', on: 1 },
    { deed: 'disable', on: 1 },
    { ask: 'listAccounts', by: 0 },
    { ask: 'listFacts', by: 1 },
    { about: 'getAccount', by: 0, on: 1 },
  ]
  await fc.assert(property, { numRuns: 8, endOnFailure: true, examples: [[Array(6).fill(seeing), plainly]] })
  const wanted = ['listAccounts', 'getAccount', 'account_updated', 'account_state_changed', 'listFacts']
  expect([...told]).toEqual(expect.arrayContaining(wanted))
}, 60_000)

test('a hidden account is refused no sooner and no later than one that is not there', async ({ annotate }) => {
  const { proof } = await people.invite('operator', [mailboxes[1]!.id])
  const hidden = mailboxes[2]!
  const wayOf = async ({ method, path }: Asked) => {
    const began = performance.now()
    const { status } = await people.ask(proof, method, path)
    expect(status).toBe(404)
    return performance.now() - began
  }
  for (const name of ['getAccount', 'verifyAccount', 'listMessages', 'getMessage']) {
    const times = { hidden: [] as number[], none: [] as number[] }
    for (let turn = 0; turn < 200; turn++) {
      const none = randomBytes(8).toString('hex')
      times.hidden.push(await wayOf(about[name]!(hidden.id, hidden.ref)))
      times.none.push(await wayOf(about[name]!(none, hidden.ref)))
    }
    const [hiddenMs, noneMs] = [median(times.hidden), median(times.none)]
    await annotate(`${name}: hidden ${hiddenMs.toFixed(2)} ms, not there ${noneMs.toFixed(2)} ms at the median`)
    expect(Math.abs(hiddenMs - noneMs)).toBeLessThan(5)
  }
})

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
