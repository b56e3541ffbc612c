/**
 * Permission prompts of Claude Code over its channel: sent by a child process on stdio, decided by a human on the page,
 * and gone with the session.
 */
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { PermissionPrompt } from '../../contract/permission-prompts.ts'
import { fill, startMcpWorld } from '../support/mcp-world.ts'
import type { Proof } from '../support/people.ts'
import { hello, startStdio } from '../support/stdio-program.ts'

const channel = { 'claude/channel': {}, 'claude/channel/permission': {} }
const prompts = api.permissionPrompts
const permission = (request_id: string) => ({
  method: 'notifications/claude/channel/permission_request',
  params: { request_id, tool_name: 'Bash', description: 'Removes files', input_preview: '{"command":"rm -r build"}' },
})
const verdict = (request_id: string, behavior: string) => ({
  method: 'notifications/claude/channel/permission',
  params: { request_id, behavior },
})

test('permission prompts of the client of a bridge wait for the owner of its token, who alone decides; and end with it', async () => {
  const { people, ann } = await startMcpWorld()
  const token = await people.token(['mail:read'], [ann])
  const other = await people.invite('operator', [ann])
  const { child, send, next } = startStdio(['--url', people.url, '--channel'], { RUSTYMAIL_TOKEN: token.secret })
  send(hello)
  expect(await next()).toMatchObject({ result: { capabilities: { experimental: channel } } })
  const waiting = async (proof = people.admin) => {
    const { items } = await people.tell<{ items: PermissionPrompt[] }>(proof, 'GET', prompts.listPermissionPrompts.path)
    return items
  }
  send(permission('abcde'))
  await expect
    .poll(() => waiting())
    .toMatchObject([{ tool_name: 'Bash', description: 'Removes files', input_preview: '{"command":"rm -r build"}' }])
  const [{ id }] = (await waiting()) as [PermissionPrompt]
  const path = fill(prompts.decidePermissionPrompt.path, id)
  const decide = (proof: Proof, behavior = 'allow') => people.ask(proof, 'POST', path, { behavior })
  // Visible neither to the program itself nor to another user.
  expect(await waiting(other.proof)).toEqual([])
  expect((await decide(token.proof)).status).toBe(403)
  expect((await decide(other.proof)).status).toBe(404)
  expect((await people.ask(people.admin, 'GET', path)).status).toBe(405)
  expect((await decide(people.admin)).status).toBe(200)
  expect(await next()).toMatchObject(verdict('abcde', 'allow'))
  expect((await decide(people.admin, 'deny')).status).toBe(404)
  send(permission('fghij'))
  await expect.poll(() => waiting()).toHaveLength(1)
  child.stdin.end()
  await expect.poll(() => waiting()).toEqual([])
  const trail = await people.tell<{ items: { operation: string; refs: object }[] }>(
    people.admin,
    'GET',
    api.audit.listAudit.path,
  )
  const noted = trail.items.map(({ operation }) => operation)
  expect(noted).toEqual(
    expect.arrayContaining(['permissionPrompts.openPermissionPrompt', 'permissionPrompts.decidePermissionPrompt']),
  )
})

test('those of a program alone wait for an administrator, and end with its input', async () => {
  const { app, people } = await startMcpWorld({ args: ['mcp', '--channel', '--preset', 'reader'] })
  const [input, output] = [new PassThrough(), new PassThrough()]
  const session = await app.serveStdio({ input, output })
  const lines = createInterface({ input: output })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null')
  const send = (message: object) => void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  send(hello)
  expect(await next()).toMatchObject({ result: { capabilities: { experimental: channel } } })
  send({ method: 'notifications/initialized' })
  const waiting = async () =>
    (await people.tell<{ items: PermissionPrompt[] }>(people.admin, 'GET', prompts.listPermissionPrompts.path)).items
  send(permission('abcde'))
  await expect.poll(() => waiting()).toHaveLength(1)
  const [{ id }] = (await waiting()) as [PermissionPrompt]
  await people.tell(people.admin, 'POST', fill(prompts.decidePermissionPrompt.path, id), { behavior: 'deny' })
  expect(await next()).toMatchObject(verdict('abcde', 'deny'))
  send(permission('fghij'))
  await expect.poll(() => waiting()).toHaveLength(1)
  input.end()
  await session.ended
  await expect.poll(() => waiting()).toEqual([])
})
