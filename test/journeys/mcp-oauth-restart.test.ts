/**
 * Grants of clients, and requests that a user has not decided yet, survive a restart; secrets are in no file in plain
 * text.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { mcpPath } from '../../contract/mcp.ts'
import { mcpAuthApi, mcpAuthPaths } from '../../contract/mcp-auth.ts'
import { redirectUri, TestClient, Visitor } from '../support/oauth-client.ts'
import { People } from '../support/people.ts'
import { startHere, startRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'

/** The port changes with each start, the name does not. */
const environment = { RUSTYMAIL_PUBLIC_URL: 'http://rustymail.localhost' }
const verifier = randomBytes(32).toString('base64url')

async function post(url: string, path: string, form: Record<string, string>) {
  const answer = await fetch(url + path, { method: 'POST', body: new URLSearchParams(form) })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}

async function statusOf(people: People, token: string) {
  const accept = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' }
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }
  return (await people.ask({ authorization: `Bearer ${token}`, ...accept }, 'POST', mcpPath, list)).status
}

test('a server that is killed and started again knows its clients, their tokens, and what waits for a decision', async () => {
  const first = await startRustyMail({ environment })
  const before = new People(first.url, await enter(first.url))
  await before.tell(before.admin, 'PUT', mcpAuthApi.setMcpAuth.path, { enabled: true })
  const imap = { host: '127.0.0.1', port: 1, tls: 'implicit', user: 'ann', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const body = { name: 'ann', email: 'ann@example.org', imap }
  const account = (await before.tell<Account>(before.admin, 'POST', path, body)).id
  const registered = await before.ask({}, 'POST', mcpAuthPaths.register, new TestClient().clientMetadata)
  const { client_id } = JSON.parse(registered.text) as { client_id: string }
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const asked = { client_id, redirect_uri: redirectUri, response_type: 'code', scope: 'mail:read', state: 'x' }
  const query = new URLSearchParams({ ...asked, code_challenge, code_challenge_method: 'S256' })
  const begin = `${first.url}${mcpAuthPaths.authorize}?${query}`
  const come = { grant_type: 'authorization_code', client_id, redirect_uri: redirectUri, code_verifier: verifier }
  const visitor = new Visitor(before, before.admin)
  const back = await visitor.approve(await visitor.come(begin), { accounts: [account] })
  expect(back.searchParams.get('iss')).toBe(environment.RUSTYMAIL_PUBLIC_URL)
  const granted = await post(first.url, mcpAuthPaths.token, { ...come, code: back.searchParams.get('code')! })
  expect(granted.status).toBe(200)
  const waiting = new Visitor(before, before.admin)
  const undecided = await waiting.come(begin)

  first.process.kill('SIGKILL')
  await once(first.process, 'close')
  const secrets = [granted.body.access_token!, granted.body.refresh_token!, verifier]
  for (const name of readdirSync(first.dataDir)) {
    const bytes = readFileSync(join(first.dataDir, name))
    for (const secret of secrets) expect([name, bytes.includes(secret)]).toEqual([name, false])
  }

  const second = await startHere({ environment, dataDir: first.dataDir })
  const after = new People(second.url, await enter(second.url))
  expect(await statusOf(after, granted.body.access_token!)).toBe(200)
  const form = { grant_type: 'refresh_token', client_id, refresh_token: granted.body.refresh_token! }
  const renewed = await post(second.url, mcpAuthPaths.token, form)
  expect(renewed.status).toBe(200)
  expect(await statusOf(after, renewed.body.access_token!)).toBe(200)
  const decided = await waiting.at(after).approve(undecided, { accounts: [account] })
  const other = await post(second.url, mcpAuthPaths.token, { ...come, code: decided.searchParams.get('code')! })
  expect(await statusOf(after, other.body.access_token!)).toBe(200)
  expect(await post(second.url, mcpAuthPaths.token, form)).toMatchObject({ body: { error: 'invalid_grant' } })
  expect(await statusOf(after, renewed.body.access_token!)).toBe(401)
  expect(await statusOf(after, other.body.access_token!)).toBe(200)
})
