/** Metrics for callers that see some accounts: independent of whether there are others, and correct for their own. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import type { SessionView } from '../../contract/access.ts'
import type { Account } from '../../contract/accounts.ts'
import type { PaginatedClients } from '../../contract/clients.ts'
import { api } from '../../contract/index.ts'
import type { ImapReadings } from '../../contract/metrics.ts'
import { type Scope, scopes } from '../../contract/scope.ts'
import type { ImapConfiguration } from '../../contract/settings.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { onEachDatabase } from '../support/databases.ts'
import { type Actor, accountPath, type MailWorld, startMailWorld } from '../support/mail-world.ts'
import { openStream } from '../support/open-stream.ts'
import type { Proof } from '../support/people.ts'

const count = 4
const { getStats, listSamples } = api.metrics

/** What an administrator does to accounts that no other caller sees. */
const deeds: Record<string, (world: MailWorld, hidden: number[]) => Promise<unknown>> = {
  read: (world, hidden) => Promise.all(world.namesOf(hidden.filter(index => index > 0)).map(id => world.list(id))),
  deliver: async (world, hidden) => hidden.map(index => world.serverOf(index)?.deliver({ subject: 'news' })),
  disable: (world, hidden) => Promise.all(hidden.slice(0, 1).map(index => world.enable(index, false))),
  connect: world => world.connect(world.newMark(), new MemoryGateway()),
  connectInVain: world => world.connect(world.newMark()),
  comeAndGo: async world => {
    const { id } = await world.connect(world.newMark(), new MemoryGateway())
    await world.people.tell(world.people.admin, 'DELETE', accountPath(id))
  },
}

/** Values that change with time, with load, and with the very requests that read them. */
const restless = {
  stats: ['requests_per_minute', 'average_response_time_ms', 'response_time_ms', 'process', 'storage', 'sampled_at'],
  load: ['system_cpu_usage', 'system_memory_usage', 'uptime_seconds', 'active_sse_connections'],
  streams: ['streams', 'server_time'],
  client: ['last_activity', 'request_count', 'streams', 'status'],
}
const restlessSeries = /^rustymail_(process|system|storage|event_streams|http_request)/

function without(record: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)))
}

class Looker {
  readonly #world: MailWorld
  readonly #proof: Proof

  constructor(world: MailWorld, proof: Proof) {
    this.#world = world
    this.#proof = proof
  }

  get<T>(path: string): Promise<T> {
    return this.#world.people.tell<T>(this.#proof, 'GET', path)
  }

  /** Returns all metrics as this caller sees them; for those that change anyway, only their presence. */
  async figures(): Promise<Record<string, unknown>> {
    const stats = await this.get<object>(getStats.path)
    const { clients, total } = await this.clients()
    return {
      stats: without(stats, [...restless.stats, ...restless.load]),
      statsNames: Object.keys(stats),
      announced: without(await this.announced(), [...restless.stats, ...restless.load]),
      series: await this.series(),
      clients: clients.map(client => without(client, [...restless.client, 'events_sent'])),
      total,
      streams: without(await this.get<object>(api.events.getStreamHealth.path), restless.streams),
      ready: await this.get(api.system.ready.path),
      facts: await this.get(`${api.events.listFacts.path}?limit=100`),
      configured: await this.configuredServer(),
      accounts: (await this.accounts()).map(({ id: account, state, is_default, connections }) => ({
        account,
        state,
        is_default,
        connections,
      })),
    }
  }

  /** Returns the newest state, with which a stream begins. */
  async announced(): Promise<{ imap: ImapReadings }> {
    const stream = await openStream(`${this.#world.people.url}${api.events.streamEvents.path}`, this.#proof)
    const { data } = await stream.next('stats_update')
    stream.close()
    return data as { imap: ImapReadings }
  }

  async series(): Promise<Record<string, string | undefined>> {
    const { text } = await this.#world.people.ask(this.#proof, 'GET', '/metrics')
    const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    const known = lines.map(line => [line.replace(/ \S+$/, ''), /\S+$/.exec(line)?.[0]] as const)
    return Object.fromEntries(known.map(([name, value]) => [name, restlessSeries.test(name) ? 'restless' : value]))
  }

  clients(): Promise<z.infer<typeof PaginatedClients>> {
    return this.get(`${api.clients.listClients.path}?per_page=100&sort=user_agent`)
  }

  /** Returns the metrics of others, who see other accounts. */
  async sentToOthers(): Promise<(number | null)[]> {
    const { principal } = await this.get<SessionView>(api.access.getSession.path)
    const { clients } = await this.clients()
    return clients.filter(client => client.principal !== principal.name).map(({ events_sent }) => events_sent)
  }

  async configuredServer(): Promise<string | undefined> {
    const { status, text } = await this.#world.people.ask(this.#proof, 'GET', api.settings.getConfig.path)
    return status === 200 ? (JSON.parse(text) as ImapConfiguration).server_address : undefined
  }

  accounts(): Promise<Account[]> {
    return this.#world.accounts(this.#proof)
  }

  async samples(): Promise<{ at: number; active_connections: number }[]> {
    return (await this.get<{ items: { at: number; active_connections: number }[] }>(listSamples.path)).items
  }
}

/** Starts a world in which no connection opens or closes with time: idle ones stay, and folders are not polled. */
async function startStillWorld(mailboxes: number, environment: Record<string, string> = {}): Promise<MailWorld> {
  const world = await startMailWorld(mailboxes, environment, { idleMs: 60 * 60_000 })
  for (const { id } of world.mailboxes) {
    await world.people.tell(world.people.admin, 'PATCH', accountPath(id), { look_interval_seconds: 3_600 })
  }
  return world
}

const sum = (accounts: Account[], of: 'open' | 'idle' | 'busy' | 'connecting') =>
  accounts.reduce((total, { connections }) => total + connections[of], 0)

/** The account list and the metrics have separate sources, which must agree. */
async function expectOwn(looker: Looker): Promise<void> {
  const own = await looker.accounts()
  const open = sum(own, 'open')
  const imap = { open, idle: sum(own, 'idle'), busy: sum(own, 'busy'), connecting: sum(own, 'connecting'), max: 100 }
  expect(await looker.get(getStats.path)).toMatchObject({ active_connections: open, imap })
  const series = await looker.series()
  expect(series).toMatchObject({
    rustymail_imap_connections_open: String(open),
    'rustymail_imap_connections{state="idle"}': String(imap.idle),
  })
  for (const state of ['ready', 'auth_failed', 'disabled']) {
    const those = own.filter(account => account.state === state)
    expect([state, series[`rustymail_accounts{state="${state}"}`]]).toEqual([state, String(those.length)])
    const named = `rustymail_account_connections{account_state="${state}"}`
    expect([named, series[named]]).toEqual([named, String(sum(those, 'open'))])
  }
  const enabled = own.filter(account => account.enabled)
  const ready = enabled.filter(account => account.state === 'ready').length
  // The server samples at most once a second.
  await expect
    .poll(() => looker.get(api.system.ready.path), { interval: 20 })
    .toMatchObject({
      status: ready === enabled.length ? 'ready' : 'degraded',
      parts: { accounts: { ready, total: enabled.length } },
    })
  const defaults = own.filter(account => account.is_default)
  expect(defaults).toHaveLength(Math.min(1, own.length))
  expect(await looker.configuredServer()).toBe(defaults[0]?.imap.host)
  expect(new Set(await looker.sentToOthers())).toEqual(new Set([null]))
}

onEachDatabase((_open, url) => {
  test('no figure of a caller that sees some accounts is moved by another account, and what they see is theirs', async () => {
    const world = await startStillWorld(count, { RUSTYMAIL_DATABASE_URL: await url() })
    const actors: Actor[] = [await world.addPerson(), await world.addToken()]
    const admin = new Looker(world, world.people.admin)
    // An account that is retried would change by itself.
    world.refuse(0)
    await world.enable(0, false)
    const everyIndex = Array.from({ length: count }, (_, index) => index)
    let moved = 0
    const property = fc.asyncProperty(
      fc.subarray(everyIndex),
      fc.subarray([...scopes]),
      fc.subarray(Object.keys(deeds), { minLength: 2 }),
      async (sees, others, wanted) => {
        for (const index of everyIndex) await world.enable(index, true)
        const held: Scope[] = [...new Set<Scope>(['dashboard:read', ...others])]
        for (const actor of actors) await actor.change({ role: 'operator', scopes: held, sees })
        await world.settle()
        const lookers = actors.map(({ proof }) => new Looker(world, proof))
        // Metrics by operation have their series from here on.
        for (const looker of lookers) {
          await looker.figures()
          await expectOwn(looker)
        }
        const before = await Promise.all(lookers.map(looker => looker.figures()))
        const wholeBefore = await admin.series()
        const hidden = everyIndex.filter(index => !sees.includes(index))
        for (const deed of wanted) await deeds[deed]!(world, hidden)
        await world.settle()
        if (JSON.stringify(await admin.series()) !== JSON.stringify(wholeBefore)) moved++
        for (const [index, looker] of lookers.entries()) {
          expect(await looker.figures()).toEqual(before[index])
          await expectOwn(looker)
        }
      },
    )
    // First everything at once, for a caller that sees neither the default account nor the refused one.
    await fc.assert(property, { numRuns: 4, endOnFailure: true, examples: [[[1, 2], [], Object.keys(deeds)]] })
    expect(moved, 'an administrator sees it').toBeGreaterThan(0)
  })
})

test('what is announced and kept every 5 s is counted over the accounts of its reader', async () => {
  const world = await startStillWorld(3)
  await world.settle()
  const lookers = [world.people.admin]
  for (const sees of [[], [0], [0, 1], [1, 2]]) {
    const actor = await world.addToken()
    await actor.change({ role: 'viewer', scopes: ['dashboard:read'], sees })
    lookers.push(actor.proof)
  }
  const open = await Promise.all(
    lookers.map(async proof => {
      const stream = await openStream(world.people.url + api.events.streamEvents.path, proof)
      await stream.next('stats_update')
      const { data } = await stream.next('stats_update')
      stream.close()
      const looker = new Looker(world, proof)
      const [own, samples] = [sum(await looker.accounts(), 'open'), await looker.samples()]
      expect(data).toMatchObject({ active_connections: own, imap: { open: own } })
      expect(samples.at(-1)!.active_connections).toBe(own)
      return own
    }),
  )
  // Each mailbox is watched and was read: over one connection or two, if the watcher's first poll was not over.
  const [all, none, unreachable, one, both] = open
  expect([none, unreachable, both]).toEqual([0, 0, all])
  expect(one).toBeGreaterThanOrEqual(2)
  expect(all! - one!).toBeGreaterThanOrEqual(2)
})
