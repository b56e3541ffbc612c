/** Whatever any caller may do and asks for, no response reveals an account that it may not see. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Role } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import {
  attachmentPath,
  attachmentsZipPath,
  messageHtmlPath,
  messagePartPath,
  messageRawPath,
} from '../../contract/mail.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { scopes } from '../../contract/scope.ts'
import { CountedDatabase } from '../support/counted-database.ts'
import { onEachDatabase } from '../support/databases.ts'
import { type Actor, accountPath, fill, type MailWorld, type Rights, startMailWorld } from '../support/mail-world.ts'
import { type OpenStream, openStream } from '../support/open-stream.ts'
import type { People, Proof } from '../support/people.ts'

interface Asked {
  method: string
  path: string
  body?: object
}

const count = 5

/** Uses the protocol before 2026, whose calls need no session. */
const callTool = (name: string, input: object): Asked => ({
  method: 'POST',
  path: mcpPath,
  body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: input } },
})

/** Requests that take an account id; hidden and nonexistent accounts must get equal answers. */
const about: Record<string, (id: string, ref: string) => Asked> = {
  getAccount: id => ({ method: 'GET', path: accountPath(id) }),
  listAccountStates: id => ({ method: 'GET', path: `${accountPath(id)}/states` }),
  headAccount: id => ({ method: 'HEAD', path: accountPath(id) }),
  updateAccount: id => ({ method: 'PATCH', path: accountPath(id), body: { enabled: true } }),
  updateBadly: id => ({ method: 'PATCH', path: accountPath(id), body: { enabled: 'yes' } }),
  listAccountErrors: id => ({ method: 'GET', path: `${accountPath(id)}/errors` }),
  reconnectAccount: id => ({ method: 'POST', path: `${accountPath(id)}/reconnect` }),
  verifyAccount: id => ({ method: 'POST', path: `${accountPath(id)}/verify` }),
  listFolders: id => ({ method: 'GET', path: fill(api.mail.listFolders.path, { account_id: id }) }),
  listMessages: id => ({ method: 'GET', path: fill(api.mail.listMessages.path, { account_id: id }) }),
  listBadly: id => ({ method: 'GET', path: `${fill(api.mail.listMessages.path, { account_id: id })}?cursor=none` }),
  searchAccount: id => ({
    method: 'GET',
    path: `${fill(api.mailSearch.searchAccount.path, { account_id: id })}?q=about`,
  }),
  searchMail: id => ({ method: 'GET', path: `${api.mailSearch.searchMail.path}?q=about&account=${id}` }),
  searchBadly: id => ({
    method: 'GET',
    path: `${fill(api.mailSearch.searchAccount.path, { account_id: id })}?q=in%3anowhere`,
  }),
  getMessage: (id, ref) => ({ method: 'GET', path: fill(api.mail.getMessage.path, { account_id: id, ref }) }),
  getMessageHtml: (id, ref) => ({ method: 'GET', path: fill(messageHtmlPath, { account_id: id, ref }) }),
  getAttachment: (id, ref) => ({
    method: 'GET',
    path: fill(attachmentPath, { account_id: id, ref, attachment_id: '2' }),
  }),
  getMessagePart: (id, ref) => ({
    method: 'GET',
    path: fill(messagePartPath, { account_id: id, ref, part_id: '2' }),
  }),
  getMessageRaw: (id, ref) => ({ method: 'GET', path: fill(messageRawPath, { account_id: id, ref }) }),
  getAttachmentsZip: (id, ref) => ({ method: 'GET', path: fill(attachmentsZipPath, { account_id: id, ref }) }),
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
  toolFolders: id => callTool('mail_folders', { account: id }),
  toolSearch: id => callTool('mail_search', { account: id, q: 'about' }),
  toolSearchBadly: id => callTool('mail_search', { account: id, q: 'in:nowhere', cursor: 'none' }),
  toolRead: (id, ref) => callTool('mail_read', { refs: [`${id}.${ref}`] }),
}
/** Only for an account that the caller may not see: it would be deleted. */
const deleteAccount = (id: string): Asked => ({ method: 'DELETE', path: accountPath(id) })

const get = (path: string): Asked => ({ method: 'GET', path })
const general: Record<string, Asked> = {
  listAccounts: get(api.accounts.listAccounts.path),
  listMailAccounts: get(api.accounts.listMailAccounts.path),
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
  listLogs: get(api.logs.listLogs.path),
  toolAccounts: callTool('mail_accounts', {}),
  searchAll: get(`${api.mailSearch.searchMail.path}?q=about&facets=true`),
  toolSearchAlone: callTool('mail_search', { q: 'about' }),
  metrics: get('/metrics'),
  openapi: get('/openapi.json'),
  exportAudit: get('/api/dashboard/audit/export?format=csv'),
  exportLogs: get('/api/dashboard/logs/export'),
}

/** What an administrator does meanwhile. */
const deeds: Record<string, (world: MailWorld, index: number) => Promise<unknown>> = {
  rename: ({ people, mailboxes }, index) => {
    const { id, mark } = mailboxes[index]!
    const name = `Mail ${randomBytes(2).toString('hex')} of ${mark}`
    return people.tell(people.admin, 'PATCH', accountPath(id), { name })
  },
  disable: async (world, index) => {
    await world.enable(index, false)
    await world.enable(index, true)
  },
  makeDefault: ({ people, mailboxes }, index) =>
    people.tell(people.admin, 'PATCH', accountPath(mailboxes[index]!.id), { is_default: true }),
  deliver: async (world, index) => world.serverOf(index)?.deliver({ subject: world.mailboxes[index]!.mark }),
  cut: async (world, index) => world.serverOf(index)?.cut(),
  comeAndGo: async world => {
    const { id } = await world.connect(world.newMark())
    await world.people.tell(world.people.admin, 'DELETE', accountPath(id))
  },
}

/** Like `people.ask`, but tool results come as an event. */
async function ask({ people }: MailWorld, proof: Proof, { method, path, body }: Asked): ReturnType<People['ask']> {
  // The HTML of a message is only given to a frame of the page.
  const asFrame = { ...proof, 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'same-origin' }
  if (path !== mcpPath) return people.ask(path.endsWith('/html') ? asFrame : proof, method, path, body)
  const headers = { ...proof, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const answer = await fetch(people.url + path, { method, headers, body: JSON.stringify(body) })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** Removes what differs from response to response anyway. */
function plain({ status, headers, text }: Awaited<ReturnType<People['ask']>>, id: string): object {
  const kept = [...headers].filter(([name]) => !/^(date|x-request-id|ratelimit|content-length)$/.test(name))
  return { status, headers: kept, text: text.replaceAll(id, '<id>').replace(/"instance":"[^"]*"/, '') }
}

class Listeners {
  readonly #world: MailWorld
  readonly #streams = new Map<Actor, OpenStream>()
  /** Visible things that were revealed. */
  readonly told = new Set<string>()

  constructor(world: MailWorld) {
    this.#world = world
  }

  /** Opens a stream from a place in the log, with the actor's current rights. */
  async open(actor: Actor, begin: string): Promise<void> {
    const url = `${this.#world.people.url}${api.events.streamEvents.path}?last_event_id=${begin}`
    this.#streams.set(actor, await openStream(url, actor.proof))
  }

  /** Must be called before rights change: what was sent until now belongs to the old rights. */
  async close(actor: Actor): Promise<void> {
    const stream = this.#streams.get(actor)
    if (!stream) return
    this.#streams.delete(actor)
    // Everything that has happened is sent before the next heartbeat.
    const beats = () => stream.events.filter(({ event }) => event === 'heartbeat').length
    const before = beats()
    await expect.poll(beats, { interval: 10 }).toBeGreaterThan(before + 1)
    stream.close()
    for (const { event, data } of stream.events) this.look(actor, event, JSON.stringify(data))
  }

  async ask(actor: Actor, name: string): Promise<void> {
    const { status, text } = await ask(this.#world, actor.proof, general[name]!)
    expect([name, status]).not.toEqual([name, 500])
    // The trail is the administrators' own: it names accounts by id and by nothing else.
    this.look(actor, name, /udit/.test(name) ? text.replaceAll(/\b[0-9a-f]{16}\b/g, '') : text)
  }

  async askAbout(actor: Actor, name: string, about: (id: string, ref: string) => Asked, index: number): Promise<void> {
    const { id, ref } = this.#world.mailboxes[index]!
    const answer = await ask(this.#world, actor.proof, about(id, ref))
    expect([name, answer.status]).not.toEqual([name, 500])
    // What the request sent may be echoed.
    this.look(actor, name, answer.text, id)
    if (actor.rights.role === 'administrator' || actor.rights.sees.includes(index)) return
    const other = randomBytes(8).toString('hex')
    const none = await ask(this.#world, actor.proof, about(other, ref))
    expect([name, plain(none, other)]).toEqual([name, plain(answer, id)])
  }

  /** Fails if something hidden is revealed; remembers which visible things were. */
  look(actor: Actor, name: string, text: string, except = ''): void {
    const said = except === '' ? text : text.replaceAll(except, '')
    expect([name, this.#hiddenFrom(actor)?.exec(said)?.[0]]).toEqual([name, undefined])
    if (/hidden\w+x[0-9a-f]{8}/.test(said)) this.told.add(name)
  }

  /** Matches marks and ids of everything hidden from the actor, past or present; undefined for administrators. */
  #hiddenFrom({ rights: { role, sees } }: Actor): RegExp | undefined {
    if (role === 'administrator') return undefined
    const { mailboxes } = this.#world
    const shown = sees.map(index => mailboxes[index]!)
    const ids = mailboxes.filter(mailbox => !shown.includes(mailbox)).map(({ id }) => id)
    const marks = shown.map(({ mark }) => mark.replace('hidden', ''))
    const others = marks.length === 0 ? 'hidden' : `hidden(?!(?:${marks.join('|')})\\b)`
    return new RegExp([others, ...ids].join('|'))
  }
}

const sees = fc.subarray(Array.from({ length: count }, (_, index) => index))
const rights: fc.Arbitrary<Rights> = fc.record({
  // Administrators see everything, so they are rarer.
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

async function listIds({ people }: MailWorld, actor: Actor): Promise<string[] | undefined> {
  const { status, text } = await people.ask(actor.proof, 'GET', api.accounts.listAccounts.path)
  if (status === 403) return undefined
  return (JSON.parse(text) as { items: { id: string }[] }).items.map(({ id }) => id).sort()
}

onEachDatabase((_open, url) => {
  test('no principal learns of an account outside its list, whatever it requests and whatever happens', async () => {
    const world = await startMailWorld(count, { RUSTYMAIL_DATABASE_URL: await url() })
    const { people } = world
    const actors: Actor[] = []
    for (let number = 0; number < 3; number++) actors.push(await world.addPerson(), await world.addToken())
    const listeners = new Listeners(world)
    const property = fc.asyncProperty(
      fc.array(rights, { minLength: 6, maxLength: 6 }),
      fc.array(step, { minLength: 10, maxLength: 30 }),
      async (given, steps) => {
        const health = await people.tell(people.admin, 'GET', api.events.getStreamHealth.path)
        const { log } = api.events.getStreamHealth.response.parse(health)
        const change = async (actor: Actor, wanted: Rights) => {
          await listeners.close(actor)
          // A token is never an administrator by role.
          const role = actor.proof.authorization ? 'viewer' : wanted.role
          await actor.change({ ...wanted, role })
          actor.rights = { ...wanted, role }
          // Everything since the run began, with the current rights.
          await listeners.open(actor, `${log!.epoch}-${log!.newest}`)
        }
        await Promise.all(actors.map((actor, index) => change(actor, given[index]!)))
        for (const one of steps) {
          if ('deed' in one) {
            await deeds[one.deed]!(world, one.on)
            continue
          }
          const actor = actors[one.by]!
          const seesIt = 'on' in one && (actor.rights.role === 'administrator' || actor.rights.sees.includes(one.on))
          if ('change' in one) await change(actor, one.change)
          else if ('ask' in one) await listeners.ask(actor, one.ask)
          else if (one.about !== 'deleteAccount') await listeners.askAbout(actor, one.about, about[one.about]!, one.on)
          else if (!seesIt) await listeners.askAbout(actor, 'deleteAccount', deleteAccount, one.on)
        }
        for (const actor of actors) {
          const ids = await listIds(world, actor)
          const all = world.mailboxes.map((_mailbox, index) => index)
          const wanted = world.namesOf(actor.rights.role === 'administrator' ? all : actor.rights.sees).sort()
          if (ids) expect(ids).toEqual(wanted)
        }
        await Promise.all(actors.map(actor => listeners.close(actor)))
      },
    )
    // First a run that reveals visible things, to prove that a leak would be noticed.
    const seeing: Rights = { role: 'operator', scopes: ['dashboard:operate', 'mail:read'], sees: [1] }
    const plainly = [
      // Before it is disabled: a disabled account is not searched.
      { about: 'toolSearch', by: 0, on: 1 },
      { deed: 'rename', on: 1 },
      { deed: 'disable', on: 1 },
      { ask: 'listAccounts', by: 0 },
      { ask: 'listFacts', by: 1 },
      { about: 'getAccount', by: 0, on: 1 },
      { about: 'toolRead', by: 1, on: 1 },
      { about: 'toolRead', by: 1, on: 2 },
      { ask: 'toolAccounts', by: 1 },
    ]
    await fc.assert(property, { numRuns: 4, endOnFailure: true, examples: [[Array(6).fill(seeing), plainly]] })
    const told = ['listAccounts', 'getAccount', 'account_updated', 'account_state_changed', 'listFacts']
    const wanted = [...told, 'toolSearch', 'toolRead', 'toolAccounts']
    expect([...listeners.told]).toEqual(expect.arrayContaining(wanted))
  })

  test('a hidden account costs as many looks into the database as one that is not there, so that time tells nothing', async () => {
    const databaseUrl = await url()
    const counted = new CountedDatabase(databaseUrl)
    const { openDatabase } = counted
    const { people, mailboxes } = await startMailWorld(3, { RUSTYMAIL_DATABASE_URL: databaseUrl }, { openDatabase })
    const { proof } = await people.invite('operator', [mailboxes[1]!.id])
    const hidden = mailboxes[2]!
    const looksOf = async ({ method, path }: Asked) => {
      await counted.quiet()
      const before = counted.statements.length
      const { status } = await people.ask(proof, method, path)
      expect(status).toBe(404)
      await counted.quiet()
      return counted.statements.length - before
    }
    expect(counted.statements.length).toBeGreaterThan(10)
    for (const name of ['getAccount', 'verifyAccount', 'listMessages', 'getMessage']) {
      const counts = { hidden: [] as number[], none: [] as number[] }
      for (let turn = 0; turn < 7; turn++) {
        const none = randomBytes(8).toString('hex')
        counts.hidden.push(await looksOf(about[name]!(hidden.id, hidden.ref)))
        counts.none.push(await looksOf(about[name]!(none, hidden.ref)))
      }
      expect([name, median(counts.hidden)]).toEqual([name, median(counts.none)])
    }
  })
})

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
