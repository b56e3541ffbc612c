/** A server with mailboxes whose every word names its owner, and users and tokens whose rights change. */
import { randomBytes } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { Role } from '../../contract/access.ts'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { Scope } from '../../contract/scope.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import type { Delivery } from '../../server/imap/adapters/memory-message.ts'
import type { MailGateway } from '../../server/imap/mail-gateway.ts'
import type { Overrides } from '../../server/overrides.ts'
import { Problem } from '../../server/platform/problem.ts'
import { type People, type Proof, runApp } from './people.ts'
import { untilIndexed } from './until-indexed.ts'

export interface Mailbox {
  id: string
  mark: string
  ref: string
  account: Account
}

/** Rights, with accounts as numbers of mailboxes. */
export interface Rights {
  role: Role
  scopes: Scope[]
  sees: number[]
}

/** A caller whose rights change from run to run. */
export interface Actor {
  proof: Proof
  change(rights: Rights): Promise<void>
  rights: Rights
}

export const fill = (path: string, values: Record<string, string>) =>
  path.replace(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? 'none')
export const accountPath = (id: string) => fill(api.accounts.getAccount.path, { account_id: id })
/** For pages in a browser: the default of the tests, twenty heartbeats a second, costs each page work. */
export const slowHeartbeats: Overrides = { heartbeatSeconds: 15 }
const noRights: Rights = { role: 'viewer', scopes: [], sees: [] }

/**
 * Starts a world that is stopped when the test ends. The first mailbox stays unreachable.
 * @param environment Added to what all tests set; the world has its own SQLite database unless it names one.
 */
export async function startMailWorld(
  mailboxes: number,
  environment: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<MailWorld> {
  const { world, stop } = await runMailWorld(mailboxes, environment, overrides)
  onTestFinished(stop)
  return world
}

/** Runs a world, which the caller stops. */
export async function runMailWorld(
  mailboxes: number,
  environment: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<{ world: MailWorld; stop(): Promise<void> }> {
  const servers = new Map<string, MemoryGateway>()
  const serverAt = (host: string) => {
    const server = servers.get(host)
    if (server) return server
    throw new Problem('mail_server_unreachable', `Nothing answers at ${host}.`, { fault: 'refused', part: 'imap' })
  }
  const gateway: MailGateway = {
    connect: async (login, options) => serverAt(login.host).connect(login, options),
    probe: async (place, options) => serverAt(place.host).probe(place, options),
  }
  const { people, stop } = await runApp({ environment, overrides: { gateway, heartbeatSeconds: 0.05, ...overrides } })
  const world = new MailWorld(people, servers)
  try {
    for (let index = 0; index < mailboxes; index++) await world.addMailbox(index > 0)
  } catch (error) {
    await stop()
    throw error
  }
  return { world, stop }
}

export class MailWorld {
  readonly people: People
  readonly mailboxes: Mailbox[] = []
  /** Servers by host name; a host that is missing does not answer. */
  readonly #servers: Map<string, MemoryGateway>
  #marks = 0

  constructor(people: People, servers: Map<string, MemoryGateway>) {
    this.people = people
    this.#servers = servers
  }

  /** Lower-case letters and digits only, so that no part of the program encodes it differently. */
  newMark(): string {
    return `hidden${(this.#marks++).toString(36)}x${randomBytes(4).toString('hex')}`
  }

  serverOf(index: number): MemoryGateway | undefined {
    return this.#servers.get(this.mailboxes[index]!.account.imap.host)
  }

  /**
   * Delivers, and waits until all is indexed: lists and searches start with the index, which may have been compared
   * just before.
   */
  async deliver(index: number, ...deliveries: Delivery[]): Promise<void> {
    const server = this.serverOf(index)!
    for (const delivery of deliveries) server.deliver(delivery)
    const messages = [...server.folders.values()].reduce((sum, folder) => sum + folder.messages.length, 0)
    await untilIndexed(this.people, this.mailboxes[index]!.id, messages)
  }

  /** Makes the account's server reject its password from now on: after one more attempt the account is left alone. */
  refuse(index: number): void {
    const server = new MemoryGateway()
    server.password = 'another'
    this.#servers.set(this.mailboxes[index]!.account.imap.host, server)
  }

  async enable(index: number, enabled: boolean): Promise<void> {
    const path = accountPath(this.mailboxes[index]!.id)
    await this.people.tell(this.people.admin, 'PATCH', path, { enabled })
  }

  namesOf(sees: number[]): string[] {
    return sees.map(index => this.mailboxes[index]!.id)
  }

  /** @param server The server that answers; without one the account stays unreachable. */
  async connect(word: string, server?: MemoryGateway): Promise<Account> {
    const host = `mail.${word}.example`
    if (server) this.#servers.set(host, server)
    const imap = { host, port: 993, tls: 'implicit', user: word, password: 'secret' }
    const body = { name: `Mail of ${word}`, email: `ann@${word}.example`, imap }
    const path = `${api.accounts.createAccount.path}?verify=false`
    return this.people.tell<Account>(this.people.admin, 'POST', path, body)
  }

  async addMailbox(isReady: boolean): Promise<void> {
    const word = this.newMark()
    const server = isReady ? new MemoryGateway() : undefined
    // Delivered before connecting: the first list may come from an index that was compared before later deliveries.
    server?.deliver({ subject: `About ${word}`, text: word, html: `<p>${word}</p>` })
    const account = await this.connect(word, server)
    const { id } = account
    const ref = isReady ? (await this.list(id)).items[0]!.ref : 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    this.mailboxes.push({ id, mark: word, ref, account })
  }

  /** Lists as the administrator; uses a command connection. */
  list(id: string): Promise<{ items: { ref: string }[] }> {
    return this.people.tell(this.people.admin, 'GET', fill(api.mail.listMessages.path, { account_id: id }))
  }

  async accounts(proof: Proof): Promise<Account[]> {
    return (await this.people.tell<{ items: Account[] }>(proof, 'GET', api.accounts.listAccounts.path)).items
  }

  /** Waits until every account has reached a stable state: watched and indexed, or given up for now. */
  async settle(): Promise<void> {
    const moving = async () =>
      (await this.accounts(this.people.admin)).filter(({ state, connections: { open, busy, connecting } }) => {
        const isThere = state === 'ready' ? open > 0 : state !== 'connecting'
        return !isThere || busy + connecting > 0
      })
    for (;;) {
      await expect.poll(moving, { interval: 10 }).toEqual([])
      const ready = (await this.accounts(this.people.admin)).filter(({ state }) => state === 'ready')
      for (const { id } of ready) await untilIndexed(this.people, id)
      // A connection may still be ending.
      if ((await moving()).length === 0) return
    }
  }

  async addPerson(): Promise<Actor> {
    const { userId, proof } = await this.people.invite('viewer', [])
    const path = fill(api.users.changeUser.path, { user_id: userId })
    const change = ({ role, sees }: Rights) =>
      this.people.tell<void>(this.people.admin, 'PATCH', path, { role, accounts: this.namesOf(sees) })
    return { proof, change, rights: noRights }
  }

  async addToken(): Promise<Actor> {
    const { id, proof } = await this.people.token(['mail:meta'])
    const path = fill(api.tokens.changeToken.path, { token_id: id })
    const change = ({ scopes, sees }: Rights) =>
      this.people.tell<void>(this.people.admin, 'PATCH', path, { scopes, accounts: this.namesOf(sees) })
    return { proof, change, rights: noRights }
  }
}
