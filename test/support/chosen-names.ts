/**
 * Gives everything that has a name the same one: accounts, users, tokens, notifiers, webhooks, providers, rules and
 * agents.
 */
import { expect, onTestFinished } from 'vitest'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import type { Served } from './rustymail.ts'
import type { SignedIn } from './signed-in.ts'
import { startSocketServer } from './socket-server.ts'

/**
 * Names everything; a mail server repeats the name too. @param name Returns as much of the name as fits. @returns Pages
 * beside the usual ones that show it.
 */
export async function chooseNames(
  run: Served,
  { cookies }: SignedIn,
  name: (most: number) => string,
): Promise<[title: string, path: string][]> {
  const session = { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '), origin: run.url }
  const tell = async (path: string, body: object, headers: Record<string, string> = session) => {
    const sent = { ...headers, 'content-type': 'application/json' }
    const answer = await fetch(run.url + path, { method: 'POST', headers: sent, body: JSON.stringify(body) })
    const text = await answer.text()
    expect([path, answer.ok ? '' : text]).toEqual([path, ''])
    return text.startsWith('{') ? JSON.parse(text) : {}
  }
  const parrot = await startSocketServer(socket => void socket.end(`* BYE ${name(300)}\r\n`))
  onTestFinished(() => parrot.stop())
  const imap = { host: '127.0.0.1', port: parrot.port, tls: 'none', user: 'me', password: 'secret' }
  const account = { name: name(60), email: 'me@example.org', imap }
  const { id: accountId } = await tell(`${api.accounts.createAccount.path}?verify=false`, account)
  const eve = { email: 'eve@example.org', name: name(100), role: 'viewer', accounts: [] }
  await tell(api.users.inviteUser.path, eve)
  const token = { name: name(100), scopes: ['dashboard:read', 'mail:draft'], accounts: [accountId] }
  const { token: secret, info } = await tell(api.tokens.createToken.path, token)
  const target = { kind: 'slack', url: 'http://127.0.0.1:1/hook' }
  const { notifier } = await tell(api.notifiers.createNotifier.path, { name: name(100), target })
  const escalate = { notifier_id: notifier.id, after_minutes: 5 }
  await tell(api.notifiers.createNotifier.path, { name: 'Chat', target, escalate })
  const hook = { name: name(100), url: 'https://127.0.0.1:1/hook', types: [], token_id: info.id }
  await tell(api.webhooks.createWebhook.path, hook)
  const model = { base_url: 'http://127.0.0.1:1/v1', model: name(200), is_local: true }
  await tell(api.assistantSettings.createProvider.path, { kind: 'ollama', name: name(60), ...model })
  const { id: ruleId } = await tell(api.alerts.createAlertRule.path, {
    ...{ name: name(100), series: 'requests', aggregation: 'sum', window_seconds: 600, severity: 'critical' },
    ...{ comparison: 'above', threshold: 0 },
  })
  const clientInfo = { name: name(100), version: name(60) }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  const agent = { authorization: `Bearer ${secret}`, accept: 'application/json, text/event-stream' }
  await tell(mcpPath, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, agent)
  return [
    [account.name, `/accounts/${accountId}`],
    ['Alerts', '/alerts/rules'],
    [eve.name, `/alerts/rules/${ruleId}`],
    ['Approvals', '/approvals'],
    ['Outbox', '/outbox'],
    ['Profile', '/profile'],
  ]
}
