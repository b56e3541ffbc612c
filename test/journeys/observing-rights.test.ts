/** A caller with few rights or one account sees and changes nothing of others' alerts, webhooks, history and logs. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Scope, scopes } from '../../contract/scope.ts'
import { fill, type MailWorld, runMailWorld } from '../support/mail-world.ts'
import { type OpenStream, openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import type { NewToken, Proof } from '../support/people.ts'

const groups = ['alerts', 'history', 'notifiers', 'webhooks', 'logs'] as const
const hour = 3_600_000
const from = new Date(Date.now() - hour).toISOString()

let world: MailWorld
let stop: () => Promise<void>
let own: { id: string; mark: string }
let hidden: { id: string; mark: string }
/** A token with every scope, and one account. */
let narrow: NewToken
let narrowStream: OpenStream
let viewer: Proof
let otherToken: string
/** Ids that belong to others. */
const ids: Record<string, string> = {}
/** Secrets that other callers must not see. */
let secrets: string[]

const rule = (name: string, change: object = {}) => ({
  ...{ name, series: 'account_ready', per: ['account_id'], aggregation: 'max', window_seconds: 15 },
  ...{ comparison: 'below', threshold: 2, severity: 'info' },
  ...change,
})
const slack = { name: 'hidden-notifier', target: { kind: 'slack', url: 'https://hidden-hook.example/secret' } }
const hook = { name: 'hidden-webhook', types: ['mail_received'], url: 'https://hidden-webhook.example/secret' }

const ask = (proof: Proof, method: string, path: string, body?: unknown) => world.people.ask(proof, method, path, body)
const tell = <T>(
  path: string,
  body?: unknown,
  method = body === undefined ? 'GET' : 'POST',
  proof = world.people.admin,
) => world.people.tell<T>(proof, method, path, body)
type Listed = { items: { id: string; name: string; account_id?: string }[] }
const alertsOf = async (proof: Proof) =>
  (await tell<Listed>(`${api.alerts.listAlerts.path}?state=open&limit=100`, undefined, 'GET', proof)).items

/** Raises alerts of rules for every account and for the whole server. */
async function raise(): Promise<void> {
  ids.rule_id = (await tell<{ id: string }>(api.alerts.createAlertRule.path, rule('Of each account'))).id
  const whole = {
    series: 'errors',
    per: [],
    aggregation: 'sum',
    window_seconds: 600,
    threshold: -1,
    comparison: 'above',
  }
  await tell(api.alerts.createAlertRule.path, rule('Of the whole server', whole))
  await tell(api.alerts.createAlertRule.path, rule('hidden-where', { where: { account_id: hidden.id }, per: [] }))
  // Alerts of a new server's own rules may be there as well.
  await vi.waitFor(async () => {
    const alerts = await alertsOf(world.people.admin)
    const ofEach = alerts.filter(({ name }) => name === 'Of each account')
    const names = new Set(alerts.map(({ name }) => name))
    expect(ofEach.map(({ account_id: of }) => of).sort()).toEqual([hidden.id, own.id].sort())
    expect([names.has('Of the whole server'), names.has('hidden-where')]).toEqual([true, true])
    ids.alert_id = ofEach.find(({ account_id: of }) => of === hidden.id)!.id
  }, patience)
}

beforeAll(async () => {
  const running = await runMailWorld(2)
  world = running.world
  stop = running.stop
  hidden = world.mailboxes[0]!
  own = world.mailboxes[1]!
  const { people } = world
  narrow = await people.token([...scopes], [own.id])
  viewer = (await people.invite('viewer', [own.id])).proof
  narrowStream = await openStream(people.url + api.events.streamEvents.path, narrow.proof)
  const other = await people.token(['mail:meta', 'mail:read', 'dashboard:read'], [hidden.id])
  otherToken = other.id
  ids.notifier_id = (await tell<{ notifier: { id: string } }>(api.notifiers.createNotifier.path, slack)).notifier.id
  const made = await tell<{ webhook: { id: string } }>(api.webhooks.createWebhook.path, hook, 'POST', other.proof)
  ids.webhook_id = made.webhook.id
  await raise()
  secrets = [hidden.id, hidden.mark, ids.alert_id!, ids.notifier_id!, ids.webhook_id!, otherToken, 'hidden-']
})
afterAll(async () => {
  narrowStream?.close()
  await stop()
})

interface Ask {
  query?: string
  body?: unknown
  /** The expected status for a token with every scope, and one account. */
  status: number
}

const body = rule('Mine')
const about = (series: string) => `series=${series}&from=${from}`
/** Requests to each endpoint of these features, for what belongs to others. */
const asks: Record<string, Ask[]> = {
  'alerts.listAlerts': ['open', 'firing', 'pending', 'cleared'].map(state => ({
    query: `state=${state}&limit=100`,
    status: 200,
  })),
  'alerts.acknowledgeAlert': [{ body: {}, status: 404 }],
  'alerts.silenceAlert': [{ body: { seconds: 60 }, status: 404 }],
  'alerts.listAlertRules': [{ status: 200 }],
  'alerts.createAlertRule': [{ body, status: 403 }],
  'alerts.changeAlertRule': [{ body, status: 403 }],
  'alerts.resetAlertRule': [{ body: {}, status: 404 }],
  'alerts.deleteAlertRule': [{ status: 403 }],
  'alerts.backTestRule': [
    { body: { rule: body, from }, status: 200 },
    { body: { rule: rule('All', { per: [] }), from }, status: 200 },
    { body: { rule: rule('X', { where: { account_id: '{hidden}' } }), from }, status: 403 },
    { body: { rule: rule('X', { series: 'calls', per: ['principal'], aggregation: 'sum' }), from }, status: 403 },
  ],
  'history.listHistorySeries': [{ status: 200 }],
  'history.getHistory': [
    { query: `${about('account_ready')}&group_by=account_id`, status: 200 },
    { query: `${about('imap_failures')}&group_by=account_id`, status: 200 },
    { query: `${about('account_ready')}&account_id={hidden}`, status: 200 },
    { query: about('requests'), status: 200 },
    { query: `${about('calls')}&group_by=principal`, status: 403 },
  ],
  'notifiers.listNotifiers': [{ status: 200 }],
  'notifiers.createNotifier': [{ body: slack, status: 403 }],
  'notifiers.changeNotifier': [{ body: slack, status: 403 }],
  'notifiers.deleteNotifier': [{ status: 403 }],
  'notifiers.testNotifier': [{ status: 403 }],
  'notifiers.listNotifierDeliveries': [{ status: 403 }],
  'webhooks.listWebhooks': [{ status: 200 }],
  'webhooks.createWebhook': [{ body: { ...hook, accounts: ['{hidden}'] }, status: 404 }],
  'webhooks.getWebhook': [{ status: 404 }],
  'webhooks.changeWebhook': [{ body: { name: 'x' }, status: 404 }],
  'webhooks.deleteWebhook': [{ status: 404 }],
  'webhooks.rotateWebhookSecret': [{ body: {}, status: 404 }],
  'webhooks.testWebhook': [{ status: 404 }],
  'webhooks.replayWebhook': [{ body: { from }, status: 404 }],
  'webhooks.disableWebhook': [{ status: 404 }],
  'webhooks.enableWebhook': [{ status: 404 }],
  'webhooks.listWebhookDeliveries': [{ status: 404 }],
  'logs.listLogs': [{ status: 403 }],
}

const endpoints = groups.flatMap(group =>
  Object.entries(api[group]).map(([name, endpoint]) => ({ operation: `${group}.${name}`, ...endpoint })),
)

/** Returns secrets in a response, except what the request itself sent. */
function leaks(text: string, sent: string): string[] {
  return secrets.filter(secret => text.includes(secret) && !sent.includes(secret))
}

/** Returns everything configured, as administrators see it. */
async function everything(): Promise<object> {
  const lists = [api.alerts.listAlertRules, api.notifiers.listNotifiers, api.webhooks.listWebhooks].map(
    ({ path }) => path,
  )
  const set = await Promise.all(lists.map(path => tell<{ items: Record<string, unknown>[] }>(path)))
  const restless = ['place', 'behind', 'failures', 'failing_since', 'next_try_at', 'last_fault', 'waiting', 'state']
  const plain = set.map(({ items }) =>
    items.map(item => Object.fromEntries(Object.entries(item).filter(([name]) => !restless.includes(name)))),
  )
  const alerts = await tell<{ items: object[] }>(`${api.alerts.listAlerts.path}?state=open&limit=100`)
  const told = alerts.items.map(item => {
    const { acknowledged_by, silenced_until } = item as { acknowledged_by: unknown; silenced_until: unknown }
    return { acknowledged_by, silenced_until }
  })
  return { plain, told: told.filter(({ acknowledged_by: by, silenced_until: until }) => by !== null || until !== null) }
}

test('every endpoint of these features is asked', () => {
  expect(Object.keys(asks).sort()).toEqual(endpoints.map(({ operation }) => operation).sort())
})

describe('with one account', () => {
  test('nothing of others is shown or changed, whatever else the token may', async () => {
    const before = await everything()
    for (const { operation, method, path } of endpoints) {
      for (const { query, body: given, status } of asks[operation]!) {
        const filled = (text: string) => text.replaceAll('{hidden}', hidden.id)
        const address = fill(path, ids) + (query === undefined ? '' : `?${filled(query)}`)
        const sent = given === undefined ? undefined : JSON.parse(filled(JSON.stringify(given)))
        const { status: answered, text } = await ask(narrow.proof, method, address, sent)
        expect([operation, query, answered, text.slice(0, 300)]).toEqual([operation, query, status, text.slice(0, 300)])
        expect([operation, query, leaks(text, address + JSON.stringify(sent ?? ''))]).toEqual([operation, query, []])
      }
    }
    expect(await everything()).toEqual(before)
  })

  test('its own is there', async () => {
    const mine = await alertsOf(narrow.proof)
    expect(mine.map(({ account_id: of }) => of)).toContain(own.id)
    expect(mine.map(({ name }) => name)).not.toContain('Of the whole server')
    const rules = await tell<Listed>(api.alerts.listAlertRules.path, undefined, 'GET', narrow.proof)
    expect(rules.items.map(({ name }) => name)).toContain('Of each account')
    const made = await tell<{ webhook: { id: string } }>(
      api.webhooks.createWebhook.path,
      { ...hook, name: 'own' },
      'POST',
      narrow.proof,
    )
    const hooks = await tell<Listed>(api.webhooks.listWebhooks.path, undefined, 'GET', narrow.proof)
    expect(hooks.items.map(({ id }) => id)).toContain(made.webhook.id)
    // A previous attempt may have created one, too.
    expect(new Set(hooks.items.map(({ name }) => name))).toEqual(new Set(['own']))
  })

  test('a person who sees one account is shown as little', async () => {
    for (const { operation, method, path } of endpoints.filter(({ method: of }) => of === 'GET')) {
      for (const { query } of asks[operation]!) {
        const address = fill(path, ids) + (query === undefined ? '' : `?${query.replaceAll('{hidden}', hidden.id)}`)
        const { text } = await ask(viewer, method, address)
        expect([operation, query, leaks(text, address)]).toEqual([operation, query, []])
      }
    }
  })

  test('its stream and the list of facts tell of its own alone', async () => {
    const told = narrowStream.events.length
    // A previous attempt may have removed them.
    if (!(await alertsOf(world.people.admin)).some(({ id }) => id === ids.alert_id)) await raise()
    await tell(fill(api.alerts.silenceAlert.path, ids), { seconds: 60 })
    // Deleting the rules ends their alerts.
    const isOurs = ({ name }: { name: string }) => /hidden|Of /.test(name)
    const { items } = await tell<Listed>(api.alerts.listAlertRules.path)
    for (const { id } of items.filter(isOurs)) {
      await tell(fill(api.alerts.deleteAlertRule.path, { rule_id: id }), undefined, 'DELETE')
    }
    await expect.poll(async () => (await alertsOf(world.people.admin)).filter(isOurs)).toEqual([])
    const cleared = () => narrowStream.events.slice(told).filter(({ event }) => event === 'alert_cleared').length
    await expect.poll(cleared).toBeGreaterThan(0)
    const { text } = await ask(narrow.proof, 'GET', `${api.events.listFacts.path}?limit=100`)
    // Callers that may create tokens are shown tokens.
    const isTold = (secret: string) => secret !== otherToken
    for (const words of [text, JSON.stringify(narrowStream.events)]) expect(leaks(words, '').filter(isTold)).toEqual([])
  })
})

describe('with few scopes', () => {
  test.each([[['mail:meta']], [['mail:read', 'mail:send']], [['dashboard:read']]] as [Scope[]][])('%j', async few => {
    const { proof } = await world.people.token(few, [own.id])
    for (const { operation, method, path, scope } of endpoints) {
      if (scope === 'signed_in' || few.includes(scope as Scope)) continue
      const { status, text } = await ask(proof, method, fill(path, ids), method === 'GET' ? undefined : {})
      expect([operation, status]).toEqual([operation, 403])
      expect(text).toContain('missing_scope')
    }
    const { items } = await tell<Listed>(api.webhooks.listWebhooks.path, undefined, 'GET', proof)
    expect(items).toEqual([])
  })
})
